/**
 * Every place where the reference server decides what goes on the wire, as one table of functions: those that all
 * operations have in common, and those of each operation. A mutant replaces one of them; the server itself never
 * changes.
 */

import type { HttpOperationId } from "@openai-compat/spec";
import { createLedger, createRateLimiter, createSlots, type Ledger, type Slots } from "./accounts.ts";
import type { RateFacts, RateLimiter } from "./accounts.ts";
import type { ReferenceCall, Reply } from "./call.ts";
import { type Model, REFERENCE_MODELS } from "./models.ts";
import { REFERENCE_OPERATIONS, type ReferenceOperations } from "./operations/index.ts";
import type { BodyReader, Fields } from "./operations/operation.ts";
import { defineRealtimeWire } from "./realtime/define-realtime-wire.ts";
import type { RealtimeWire } from "./realtime/realtime-wire.ts";
import { defineResponseSocketWire, type ResponseSocketWire } from "./response-socket/socket-wire.ts";
import { encodeRefusal, makeRefusal, type Refusal } from "./refusal.ts";
import type { CredentialVerdict } from "./tokens.ts";

/** The order in which a call is refused; mutants swap it. */
export type Step = "authenticate" | "decode" | "validate" | "resolve" | "limit" | "pay" | "slot";

/** The limits of an account: its rate limit, its credits, its charges, and the slots of a slow model. */
export type Constraint = "limit" | "credits" | "charge" | "slot";

/** Whose call it is, and what it asks for. */
export interface ConstrainedCall {
  readonly operation: HttpOperationId;
  readonly request: Fields;
}

export interface ReferenceWire extends BodyReader {
  /** Which words before a token count as the scheme. */
  readonly scheme: RegExp;
  readonly steps: readonly Step[];
  readonly models: readonly Model[];
  readonly operations: ReferenceOperations;
  readonly admit: (verdict: CredentialVerdict, call: ReferenceCall) => Refusal | null;
  /** Whether even who may not call is heard to the end. */
  readonly readsBodyFirst: (call: ReferenceCall) => boolean;
  /** Whether a call is under the constraint: all of a billed operation are. */
  readonly constrains: (constraint: Constraint, call: ConstrainedCall) => boolean;
  /** One event of a stream, from its data. */
  readonly frame: (data: string, call: ReferenceCall) => string;
  /** All frames of a stream and the sentinel, before they are timed. */
  readonly frames: (frames: readonly string[], call: ReferenceCall) => readonly string[];
  readonly refusalBody: (refusal: Refusal, call: ReferenceCall) => unknown;
  readonly limiter: RateLimiter;
  readonly rateHeaders: (facts: RateFacts) => Readonly<Record<string, string>>;
  readonly realtime: RealtimeWire;
  readonly responseSocket: ResponseSocketWire;
  readonly ledger: Ledger;
  readonly slots: Slots;
  /** The last word on every reply. */
  readonly reply: (reply: Reply, call: ReferenceCall) => Reply;
  /** Awaited before a call is looked at. */
  readonly admission: (call: ReferenceCall) => Promise<void>;
}

/** Whose bodies are large. Of the others a mutant may look into the body to say whom it lets in. */
const UNREAD: readonly HttpOperationId[] = ["createTranscription", "createTranslation", "createSpeech"];

export function defineReferenceWire(): ReferenceWire {
  return {
    scheme: /^bearer$/i,
    steps: ["authenticate", "decode", "validate", "resolve", "limit", "pay", "slot"],
    models: REFERENCE_MODELS,
    operations: REFERENCE_OPERATIONS,
    admit: admitVerdict,
    readsBodyFirst: ({ operation }) => !UNREAD.some((unread) => unread === operation),
    decodeText: decodeUtf8,
    acceptsContentType: (contentType) => /^application\/json\b/i.test(contentType),
    constrains: (_, { operation }) => REFERENCE_OPERATIONS[operation].isBilled,
    frame: (data) => `data: ${data}\n\n`,
    frames: (frames) => frames,
    refusalBody: (refusal) => encodeRefusal(refusal),
    limiter: createRateLimiter(),
    rateHeaders: encodeRateFacts,
    realtime: defineRealtimeWire(),
    responseSocket: defineResponseSocketWire(),
    ledger: createLedger(),
    slots: createSlots(),
    reply: (reply) => reply,
    admission: async () => {},
  };
}

function admitVerdict(verdict: CredentialVerdict): Refusal | null {
  if (verdict === "full") return null;
  return makeRefusal(verdict === "no-capability" ? "capability_missing" : "unauthenticated");
}

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

function encodeRateFacts({ allowed, limit, remaining, resetMs }: RateFacts): Record<string, string> {
  return {
    "x-ratelimit-limit-requests": String(limit),
    "x-ratelimit-remaining-requests": String(remaining),
    "x-ratelimit-reset-requests": `${resetMs}ms`,
    ...(allowed ? {} : { "retry-after": String(Math.ceil(resetMs / 1000)), "retry-after-ms": String(resetMs) }),
  };
}
