/** Client secrets that open too much, too long, or nothing; and live audio that is not paid for. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import { type ClientSecret, composeSecret } from "../../operations/create-client-secret.ts";
import { type Mutant, mutateOperation, omit } from "../mutant.ts";
import { mutateRealtime, name } from "./mutate-realtime.ts";

const OPERATION = "create-realtime-client-secret";

/** Changes answers. */
function mutateSecret(
  id: string,
  description: string,
  intended: readonly string[],
  change: (secret: JsonObject, answer: ClientSecret) => JsonObject,
): Mutant {
  return mutateOperation(name(id, description, intended), OPERATION, () => ({
    encode: (answer) => change(composeSecret(answer), answer),
  }));
}

/** No longer refuses bodies that hold this. */
function accept(id: string, check: string, part: string): Mutant {
  return mutateOperation(name(id, `${part} is accepted`, [`secret.refuses-${check}`]), OPERATION, ({ validate }) => ({
    validate: (request) => (JSON.stringify(request).includes(part) ? null : validate(request)),
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

const likeAKey = mutateSecret("secret-like-a-key", "a secret looks like a key", ["secret.prefix"], (secret) => ({
  ...secret,
  value: String(secret["value"]).replace("ek_", "sk_"),
}));

/** Its sessions know it again. */
const secretLikeKey: Mutant = {
  ...likeAKey,
  mutate: (wire) => ({
    ...likeAKey.mutate(wire),
    realtime: {
      ...wire.realtime,
      credential: (upgrade) => wire.realtime.credential(upgrade)?.replace("Bearer sk_", "Bearer ek_"),
    },
  }),
};

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
  secretLikeKey,
  mutateSecret(
    "secret-is-base64",
    "a secret ends with characters that no subprotocol may have",
    ["secret.opens"],
    (secret) => ({ ...secret, value: `${String(secret["value"])}==` }),
  ),
  mutateSecret(
    "secret-for-a-minute",
    "every secret lives for a minute",
    ["secret.lifetime"],
    (secret, { created, request }) =>
      JSON.stringify(request).includes(":10}") ? secret : { ...secret, expires_at: created + 60 },
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
