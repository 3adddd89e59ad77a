/** An issuer of tokens for tests: key pairs, and the tokens that they sign. */

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
