/** Client secrets that open too much, too long, or nothing; and live audio that is not paid for. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import type { SecretRequest } from "../../realtime/session.ts";
import { type Mutant, omit } from "../mutant.ts";
import { mutateRealtime, name } from "./mutate-realtime.ts";

/** Changes answers. */
function mutateSecret(
  id: string,
  description: string,
  intended: readonly string[],
  change: (secret: JsonObject, request: SecretRequest) => JsonObject,
): Mutant {
  return mutateRealtime(name(id, description, intended), ({ composeSecret }) => ({
    composeSecret: (request) => change(composeSecret(request), request),
  }));
}

/** No longer refuses bodies that hold this. */
function accept(id: string, check: string, part: string): Mutant {
  return mutateRealtime(name(id, `${part} is accepted`, [`secret.refuses-${check}`]), ({ refuseSecret }) => ({
    refuseSecret: (request) => (JSON.stringify(request.body).includes(part) ? null : refuseSecret(request)),
  }));
}

/** Lets a client secret in where another credential would be. */
function admitSecret(id: string, description: string, check: string, path: string): Mutant {
  return {
    ...name(id, description, [check]),
    mutate: ({ admit }) => ({
      admit: (verdict, call) =>
        call.path === path && call.headers.authorization?.startsWith("Bearer ek_") === true
          ? null
          : admit(verdict, call),
    }),
  };
}

const isSecret = ({ offered }: { readonly offered: readonly string[] }): boolean =>
  offered.some((protocol) => protocol.includes(".ek_"));

export const realtimeSecretMutants: readonly Mutant[] = [
  mutateSecret(
    "secret-without-session",
    "a secret's answer has no session",
    ["secret.shape", "secret.echo"],
    (secret) => omit(secret, "session"),
  ),
  mutateSecret(
    "secret-expires-as-text",
    "the end of a secret is a number of another kind",
    ["secret.shape"],
    (secret) => ({
      ...secret,
      expires_at: Number(secret["expires_at"]) + 0.5,
    }),
  ),
  mutateRealtime(
    name("secret-like-a-key", "a secret looks like a key", ["secret.prefix"]),
    ({ composeSecret, credential }) => ({
      composeSecret: (request) => {
        const secret = composeSecret(request);
        return { ...secret, value: String(secret["value"]).replace("ek_", "sk_") };
      },
      credential: (upgrade) => credential(upgrade)?.replace("Bearer sk_", "Bearer ek_"),
    }),
  ),
  mutateSecret("secret-for-a-minute", "every secret lives for a minute", ["secret.lifetime"], (secret, { now, body }) =>
    JSON.stringify(body).includes(":10}") ? secret : { ...secret, expires_at: now + 60 },
  ),
  mutateSecret("secret-echoes-nothing", "the session of a secret has no language", ["secret.echo"], (secret) => {
    const { session } = secret;
    return { ...secret, session: isJsonObject(session) ? omit(session, "audio") : session };
  }),
  accept("secret-too-short", "too-short", '"seconds":9}'),
  accept("secret-too-long", "too-long", '"seconds":7201'),
  accept("secret-lifetime-text", "lifetime-text", '"seconds":"soon"'),
  accept("secret-of-no-session", "invalid-session", "audio/conformance"),
  mutateRealtime(
    name("secret-opens-nothing", "no secret opens a session as a subprotocol", ["secret.opens"]),
    ({ credential }) => ({ credential: (upgrade) => (isSecret(upgrade) ? "Bearer nobody" : credential(upgrade)) }),
  ),
  mutateRealtime(
    name("secret-configures-nothing", "the session of a secret is any", ["secret.configures"]),
    ({ open }) => ({
      open: (opening) => open({ ...opening, patch: {} }),
    }),
  ),
  admitSecret("secret-for-chat", "a secret is good for chats", "secret.not-for-chat", "/chat/completions"),
  admitSecret("secret-for-secrets", "a secret makes others", "secret.not-for-secrets", "/realtime/client_secrets"),
  mutateRealtime(
    name("secret-unverified", "whatever looks like a secret is one", ["secret.tampered"]),
    ({ admit }) => ({
      admit: (verdict, upgrade) => (verdict === "unknown-key" && isSecret(upgrade) ? null : admit(verdict, upgrade)),
    }),
  ),
  mutateRealtime(name("secret-for-ever", "a secret never expires", ["secret.expires"]), ({ admit }) => ({
    admit: (verdict, upgrade) => (verdict === "expired" && isSecret(upgrade) ? null : admit(verdict, upgrade)),
  })),
  {
    ...mutateRealtime(name("live-not-covered", "sessions are let in whatever the account has left", []), () => ({
      isFree: () => true,
    })),
    intended: ["billing.no-credit.realtime", "billing.charged.realtime"],
  },
  {
    ...mutateRealtime(name("live-not-charged", "live audio costs nothing", []), () => ({ costOf: () => 0 })),
    intended: ["billing.charged.realtime"],
  },
];
