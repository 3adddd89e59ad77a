/** From the settings of an issuer's key set, over HTTP, to a principal. */

import { createAuthenticator } from "@openai-compat/core";
import { SignJWT, exportJWK, generateKeyPair } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { configSchema } from "../config.ts";
import { answerJson, startLoopbackServer } from "../testing/loopback-server.ts";
import { createMemoryStores } from "../stores/memory.ts";
import { resolveJwt } from "./token-secret.ts";

const { privateKey, publicKey } = await generateKeyPair("EdDSA");
const keys = [{ ...(await exportJWK(publicKey)), kid: "key" }];
const token = await new SignJWT({ sub: "ada", capabilities: { capabilities: [] } })
  .setProtectedHeader({ alg: "EdDSA", kid: "key" })
  .setIssuer("https://issuer.example")
  .setAudience("this-server")
  .setExpirationTime("1h")
  .sign(privateKey);

async function authenticatorFor(jwksUrl: string) {
  const auth = { jwksUrl, jwtIssuer: "https://issuer.example", jwtAudience: "this-server" };
  const jwt = resolveJwt(configSchema.parse({ store: "memory", auth }));
  const stores = createMemoryStores();
  onTestFinished(() => stores.close());
  return createAuthenticator({ apiKeys: stores.apiKeys, tokenRevocations: stores.tokenRevocations, jwt });
}

test("a token of the issuer that the settings name is accepted", async () => {
  const issuer = await startLoopbackServer(answerJson({ keys }));
  onTestFinished(() => issuer.close());
  const { authenticate } = await authenticatorFor(issuer.url);
  expect(await authenticate(token)).toMatchObject({ accountId: "ada", credential: "jwt" });
});

test("an issuer that is gone makes the token unavailable, not refused", async () => {
  const issuer = await startLoopbackServer(() => {});
  await issuer.close();
  const { authenticate } = await authenticatorFor(issuer.url);
  await expect(authenticate(token)).rejects.toMatchObject({ code: "identity_unavailable" });
});
