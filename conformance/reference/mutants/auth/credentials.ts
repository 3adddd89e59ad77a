/** Callers who get in though they may not, or are turned away in the wrong way or at the wrong time. */

import { OPERATION_PROBES, type OperationProbe } from "../../../checks/support/operation-probes.ts";
import { makeRefusal } from "../../refusal.ts";
import type { CredentialVerdict } from "../../tokens.ts";
import type { ReferenceCall } from "../../call.ts";
import { modeOfCall } from "../../generated/fault.ts";
import {
  isChat,
  type Mutant,
  mutateRefusal,
  mutateReply,
  parseSent,
  readSent,
  withHeader,
  withoutHeader,
} from "../mutant.ts";

const ACCEPTED: readonly CredentialVerdict[] = [
  "missing",
  "malformed",
  "wrong-scheme",
  "unknown-key",
  "expired",
  "tampered",
  "alg-none",
  "no-capability",
  "unsigned",
  "not-yet-valid",
  "wrong-audience",
  "wrong-issuer",
];

/** Decides differently about some callers: the name of another refusal, or null to let them in. */
function mutateAdmission(
  naming: Omit<Mutant, "mutate">,
  when: (verdict: CredentialVerdict, call: ReferenceCall) => boolean,
  decide: "bad_json" | "model_not_found" | "capability_missing" | "unauthenticated" | null,
): Mutant {
  return {
    ...naming,
    mutate: ({ admit }) => ({
      admit: (verdict, call) => {
        if (!when(verdict, call)) return admit(verdict, call);
        return decide === null ? null : makeRefusal(decide);
      },
    }),
  };
}

const openDoors = OPERATION_PROBES.flatMap((probe) =>
  (probe.stream === undefined ? (["body"] as const) : (["body", "stream"] as const)).flatMap((mode) =>
    ACCEPTED.map((accepted) => openDoor(probe, mode, accepted)),
  ),
);

function openDoor({ slug, operation }: OperationProbe, mode: "body" | "stream", accepted: CredentialVerdict): Mutant {
  const streamed = mode === "stream" ? "stream-" : "";
  const door = mutateAdmission(
    {
      id: `auth.${slug}.${streamed}accepts-${accepted}`,
      description: `${mode === "stream" ? "a streamed " : ""}${operation} lets ${accepted} in`,
      intended: [`auth.${slug}.${streamed}${accepted}`],
    },
    (verdict, call) => verdict === accepted && call.operation === operation && modeOfCall(call) === mode,
    null,
  );
  if (mode === "body") return door;
  // Whether a stream is asked for stands in the body.
  const readsBodyFirst = (call: ReferenceCall): boolean => call.operation === operation;
  const isUnread = operation === "createTranscription" || operation === "createSpeech";
  const unread = ["unauthenticated", "no-capability"].map((kind) => `audio.${slug}.unread.${kind}`);
  return {
    ...door,
    intended: isUnread ? [...door.intended, ...unread] : door.intended,
    mutate: (wire) => ({
      ...door.mutate(wire),
      readsBodyFirst: (call) => wire.readsBodyFirst(call) || readsBodyFirst(call),
    }),
  };
}

function isMalformed(call: ReferenceCall): boolean {
  return isChat(call) && Object.keys(parseSent(call)).length === 0;
}

export const authMutants: readonly Mutant[] = [
  ...openDoors,
  mutateAdmission(
    {
      id: "auth.unknown-key-is-403",
      description: "an unknown key is a 403",
      intended: ["auth.models-list.unknown-key"],
    },
    (verdict, call) => verdict === "unknown-key" && call.operation === "listModels",
    "capability_missing",
  ),
  mutateAdmission(
    {
      id: "auth.no-capability-is-401",
      description: "a missing capability is a 401",
      intended: ["auth.refusal.no-capability-status"],
    },
    (verdict, call) => verdict === "no-capability" && call.operation === "listModels",
    "unauthenticated",
  ),
  mutateAdmission(
    { id: "auth.streams-are-open", description: "streams need no credential", intended: ["auth.chat.stream-missing"] },
    (verdict, call) => verdict === "missing" && isChat(call) && parseSent(call)["stream"] === true,
    null,
  ),
  {
    id: "auth.scheme-case-matters",
    description: "`bearer` is not `Bearer`",
    intended: ["auth.chat.scheme-case"],
    mutate: () => ({ scheme: /^Bearer$/ }),
  },
  {
    id: "auth.body-first",
    description: "the body is validated before the credential",
    intended: ["auth.chat.before-body", "auth.chat.capability-before-body"],
    mutate: () => ({ steps: ["decode", "validate", "authenticate", "resolve", "limit", "pay", "slot"] }),
  },
  mutateAdmission(
    {
      id: "auth.capability-after-body",
      description: "the body is validated before the capability",
      intended: ["auth.chat.capability-before-body"],
    },
    (verdict, call) => verdict === "no-capability" && isMalformed(call),
    "bad_json",
  ),
  mutateAdmission(
    {
      id: "auth.chat-model-first",
      description: "a stranger hears that the model of a chat does not exist",
      intended: ["auth.chat.before-model"],
    },
    (verdict, call) => verdict === "missing" && readSent(call).includes("conformance-no-such-model"),
    "model_not_found",
  ),
  mutateAdmission(
    {
      id: "auth.retrieve-model-first",
      description: "a stranger hears that a model does not exist",
      intended: ["auth.models-retrieve.before-model"],
    },
    (verdict, call) => verdict === "missing" && call.path.endsWith("conformance-no-such-model"),
    "model_not_found",
  ),
  mutateReply(
    {
      id: "auth.no-challenge",
      description: "a 401 has no WWW-Authenticate",
      intended: ["auth.refusal.www-authenticate"],
    },
    (reply) => reply.status === 401,
    (reply) => withoutHeader(reply, "www-authenticate"),
  ),
  mutateRefusal(
    { id: "auth.no-code", description: "a 401 has no code", intended: ["auth.refusal.code"] },
    // Upgrades have a check and mutants of their own.
    (refusal, { operation }) => refusal.name === "unauthenticated" && operation !== null,
    ({ message, type, param }) => ({ error: { message, type, param, code: null } }),
  ),
  mutateRefusal(
    {
      id: "auth.unknown-key-told",
      description: "a well-formed key hears that nobody has it",
      intended: ["auth.refusal.same-wording"],
    },
    (refusal, call) =>
      refusal.name === "unauthenticated" && call.headers.authorization?.startsWith("Bearer sk-") === true,
    ({ type, param, code }) => ({ error: { message: "There is no such key.", type, param, code } }),
  ),
  mutateReply(
    {
      id: "auth.forbidden-is-retried",
      description: "a 403 asks to be tried again",
      intended: ["auth.refusal.forbidden-not-retried"],
    },
    (reply) => reply.status === 403,
    (reply) => withHeader(reply, "x-should-retry", "true"),
  ),
  mutateRefusal(
    { id: "auth.key-echoed", description: "a 401 repeats the key", intended: ["auth.refusal.key-not-echoed"] },
    (refusal, { operation }) => refusal.name === "unauthenticated" && operation !== null,
    ({ type, param, code }, call) => ({
      error: { message: `Incorrect API key provided: ${call.headers.authorization}`, type, param, code },
    }),
  ),
];
