/** An issuer of tokens for tests: key pairs, the documents that publish them, and a server that does so on loopback. */

import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import type { CryptoKey, JWK, JWTHeaderParameters, JWTPayload } from "jose";

export interface IssuerKey {
  readonly algorithm: string;
  readonly id: string;
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
  /** As it is published. */
  readonly publicJwk: JWK;
}

export async function createIssuerKey(algorithm: string, id: string): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  const publicJwk = { ...(await exportJWK(publicKey)), kid: id, alg: algorithm, use: "sig" };
  return { algorithm, id, privateKey, publicKey, publicJwk };
}

/** @param header beyond `alg` and `kid`, or instead of them. */
export function signToken(
  key: IssuerKey,
  claims: JWTPayload,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: key.algorithm, kid: key.id, ...header }).sign(key.privateKey);
}

export interface LoopbackServer {
  readonly url: string;
  /** What it answers from now on. */
  answer: RequestListener;
  requests: number;
  close(): Promise<void>;
}

/** A server on a free port of the loopback address. */
export async function startLoopbackServer(answer: RequestListener): Promise<LoopbackServer> {
  const http: Server = createServer((request, response) => {
    server.requests += 1;
    server.answer(request, response);
  });
  const server: LoopbackServer = {
    url: await new Promise<string>((resolve, reject) => {
      http.once("error", reject);
      http.listen(0, "127.0.0.1", () => {
        const address = http.address();
        if (address === null || typeof address === "string") reject(new Error("The server has no port."));
        else resolve(`http://127.0.0.1:${address.port}/keys`);
      });
    }),
    answer,
    requests: 0,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

/** Answers with a key set. */
export function answerKeys(...keys: readonly IssuerKey[]): RequestListener {
  return answerJson({ keys: keys.map((key) => key.publicJwk) });
}

export function answerJson(value: unknown): RequestListener {
  return (_request, response) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
}
