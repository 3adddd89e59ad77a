/** Upgrades that are granted wrongly, refused wrongly or answered wrongly. */

import { CREDENTIAL_PROBES, TOKEN_PROBES } from "../../../checks/support/credential-probes.ts";
import type { Upgrade } from "../../realtime/realtime-wire.ts";
import { makeRefusal } from "../../refusal.ts";
import { composeBody } from "../../replies.ts";
import type { CredentialVerdict } from "../../tokens.ts";
import { type Mutant, mutateRefusal, mutateReply } from "../mutant.ts";
import { HEADER_ONLY, mutateRealtime, name, transportOf, TRANSPORTS } from "./mutate-realtime.ts";

/** Checks of client secrets, which come the same way, that find out as well. */
const OF_SECRETS: Readonly<Record<string, string>> = {
  "subprotocol-expired": "secret.expires",
  "subprotocol-unknown-key": "secret.tampered",
};
const openDoors = TRANSPORTS.flatMap((transport) =>
  [...CREDENTIAL_PROBES, ...TOKEN_PROBES]
    .filter(({ slug }) => transport === "header" || !HEADER_ONLY.includes(slug))
    .map(({ slug }) =>
      mutateRealtime(
        name(`accepts-${transport}-${slug}`, `a session opens for ${slug} by ${transport}`, [
          `auth.${transport}.${slug}`,
          ...[OF_SECRETS[`${transport}-${slug}`] ?? []].flat(),
        ]),
        ({ admit }) => ({
          admit: (verdict, upgrade) =>
            verdict === slug && transportOf(upgrade) === transport ? null : admit(verdict, upgrade),
        }),
      ),
    ),
);

/** Decides differently about what is asked for. */
function mutateValidation(
  id: string,
  description: string,
  intended: readonly string[],
  decide: (parameters: Upgrade["parameters"]) => "accept" | "refuse" | null,
): Mutant {
  return mutateRealtime(name(id, description, intended), ({ validate }) => ({
    validate: (upgrade) => {
      const decision = decide(upgrade.parameters);
      if (decision === null) return validate(upgrade);
      return decision === "accept" ? null : makeRefusal("invalid_value", { param: "intent" });
    },
  }));
}

function refuseByStatus(id: string, verdict: CredentialVerdict, refusal: "capability_missing" | "unauthenticated") {
  const intended = verdict === "unknown-key" ? ["auth.refusal.envelope"] : [];
  const checks = [`auth.refusal.${verdict}-status`, ...intended];
  return mutateRealtime(name(id, `${verdict} is refused as ${refusal}`, checks), ({ admit }) => ({
    admit: (given, upgrade) =>
      given === verdict && transportOf(upgrade) === "header" ? makeRefusal(refusal) : admit(given, upgrade),
  }));
}

export const realtimeUpgradeMutants: readonly Mutant[] = [
  ...openDoors,
  refuseByStatus("unknown-key-is-403", "unknown-key", "capability_missing"),
  refuseByStatus("no-capability-is-401", "no-capability", "unauthenticated"),
  mutateValidation("no-intent", "there are no sessions for transcription", ["upgrade.intent"], ({ intent }) =>
    intent === "transcription" ? "refuse" : null,
  ),
  mutateValidation("no-model", "there are no sessions of a model", ["upgrade.model"], ({ model }) =>
    model === undefined ? null : "refuse",
  ),
  mutateValidation(
    "strict-query",
    "parameters that are unknown are refused",
    ["upgrade.other-parameters"],
    (parameters) => (parameters["api-version"] === undefined ? null : "refuse"),
  ),
  mutateValidation(
    "intent-and-model",
    "an intent and a model go together",
    ["upgrade.intent-with-model"],
    ({ intent, model }) => (intent !== undefined && model !== undefined ? "accept" : null),
  ),
  mutateValidation("nothing-asked", "a session needs neither a model nor an intent", ["upgrade.neither"], (given) =>
    given["intent"] === undefined && given["model"] === undefined ? "accept" : null,
  ),
  mutateValidation("any-intent", "every intent is taken", ["upgrade.unknown-intent"], ({ intent }) =>
    intent === "conformance" ? "accept" : null,
  ),
  mutateRealtime(
    name("subprotocol-unasked", "`realtime` is agreed on though nobody offered it", [
      "upgrade.intent",
      "upgrade.model",
      "upgrade.no-subprotocol",
    ]),
    () => ({ protocol: () => "realtime" }),
  ),
  mutateRealtime(
    name("compression-unasked", "frames are compressed though nobody offered it", [
      "upgrade.intent",
      "upgrade.model",
      "upgrade.no-compression",
    ]),
    () => ({ headers: () => ({ "Sec-WebSocket-Extensions": "permessage-deflate" }) }),
  ),
  mutateRealtime(
    name("subprotocol-not-answered", "an offer of `realtime` is not answered", ["auth.subprotocol.answer"]),
    () => ({ protocol: () => null }),
  ),
  mutateRealtime(
    name("key-echoed-as-subprotocol", "the subprotocol with the key is agreed on", ["auth.subprotocol.answer"]),
    ({ protocol }) => ({
      protocol: (upgrade) => upgrade.offered.find((offer) => offer.startsWith("openai-insecure")) ?? protocol(upgrade),
    }),
  ),
  mutateRealtime(name("header-only", "a key is read from the header alone", ["auth.subprotocol.accepted"]), () => ({
    credential: ({ headers }) => headers["authorization"],
  })),
  mutateRealtime(
    name("any-version", "every version of the protocol is taken", ["upgrade.version"]),
    ({ handshake }) => ({
      handshake: (upgrade) => handshake({ ...upgrade, headers: { ...upgrade.headers, "sec-websocket-version": "13" } }),
    }),
  ),
  mutateRealtime(name("no-key-needed", "an upgrade needs no key", ["upgrade.no-key"]), ({ handshake }) => ({
    handshake: (upgrade) =>
      handshake({
        ...upgrade,
        headers: { ...upgrade.headers, "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==" },
      }),
  })),
  mutateReply(
    name("plain-get-answered", "a plain request for `/realtime` is a 200", ["upgrade.plain-get"]),
    (_, { path, headers }) => path === "/realtime" && headers.upgrade === undefined,
    () => composeBody(200, {}),
  ),
  mutateRefusal(
    name("refusal-is-text", "a stranger gets a text for an envelope", ["auth.refusal.envelope"]),
    ({ name: refusal }, { path }) => path === "/realtime" && refusal === "unauthenticated",
    () => ({ detail: "Unauthorized" }),
  ),
  mutateRefusal(
    name("token-echoed", "a refusal repeats the query", ["auth.refusal.key-not-echoed"]),
    ({ name: refusal }, { path }) => path === "/realtime" && refusal === "unauthenticated",
    ({ type, code, param }, { query }) => ({
      error: { message: `Not authorised: ${decodeURIComponent(query)}`, type, code, param },
    }),
  ),
  mutateRealtime(
    name("parameters-first", "the query is judged before the credential", ["auth.before-parameters"]),
    ({ admit, validate }) => ({ admit: (verdict, upgrade) => validate(upgrade) ?? admit(verdict, upgrade) }),
  ),
  mutateRealtime(name("beta-header-ignored", "the header of the beta is ignored", ["beta.header"]), () => ({
    isBeta: ({ offered }) => offered.includes("openai-beta.realtime-v1"),
  })),
  mutateRealtime(name("beta-offer-ignored", "the subprotocol of the beta is ignored", ["beta.subprotocol"]), () => ({
    isBeta: ({ headers }) => headers["openai-beta"] === "realtime=v1",
  })),
  mutateRealtime(name("beta-update-unknown", "an update of the beta is an unknown event", ["beta.update"]), (wire) => ({
    refuseBeta: wire.refuseUnknown,
  })),
];
