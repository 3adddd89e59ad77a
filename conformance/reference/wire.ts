/**
 * Every place where the reference server decides what goes on the wire, as one table of functions. A mutant replaces
 * one of them; the server itself never changes.
 */

import type { OperationId } from "@openai-compat/spec";
import type { IncomingHttpHeaders } from "node:http";
import { createLedger, createPlaces, createRateLimiter, type Ledger, type Places } from "./accounts.ts";
import type { RateFacts, RateLimiter } from "./accounts.ts";
import type { Chunk, Completion } from "./answer.ts";
import { FORM_RULES } from "./form-rules.ts";
import { judgeText, type TextCompletion } from "./completion-answer.ts";
import { type EmbeddingList, judgeEmbedding } from "./embedding.ts";
import { type Model, REFERENCE_MODELS } from "./models.ts";
import { encodeRefusal, makeRefusal, type Refusal } from "./refusal.ts";
import { type ChatBody, DEFAULT_RULES, type Rule, type RuleName } from "./rules.ts";
import type { CredentialVerdict } from "./tokens.ts";

export interface ReferenceCall {
  readonly method: string;
  /** Below the base URL, still percent-encoded. */
  readonly path: string;
  /** With its question mark; empty without one. */
  readonly query: string;
  /** Null for a preflight, an unknown route or a wrong method. */
  readonly operation: OperationId | null;
  readonly headers: IncomingHttpHeaders;
  /** Null when it was larger than the server takes. */
  readonly body: Uint8Array | null;
}

export interface Write {
  readonly data: string | Uint8Array;
  /** Pause before it. */
  readonly afterMs: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly writes: readonly Write[];
  /** cut: the socket is destroyed after the last write. open: nothing more is sent and the socket stays. */
  readonly end: "clean" | "cut" | "open";
  /** Awaited before the first byte. */
  readonly ready: () => Promise<void>;
  /** Called once, when nothing more is sent. */
  readonly release: () => void;
}

/** The order in which a call is refused; mutants swap it. */
export type Step = "authenticate" | "decode" | "resolve" | "limit" | "pay" | "place";

export interface ReferenceWire {
  /** Which words before a token count as the scheme. */
  readonly scheme: RegExp;
  readonly steps: readonly Step[];
  /** Asked in this order; the first refusal counts. */
  readonly rules: Readonly<Record<RuleName | keyof typeof FORM_RULES, Rule> & Record<string, Rule>>;
  readonly models: readonly Model[];
  readonly admit: (verdict: CredentialVerdict, call: ReferenceCall) => Refusal | null;
  /** The bytes of a request as text; null refuses them. */
  readonly decodeText: (bytes: Uint8Array) => string | null;
  /** Which content types a chat body may have. */
  readonly acceptsContentType: (contentType: string) => boolean;
  /** What is left of a valid request when the answer is made. */
  readonly readRequest: (body: ChatBody) => ChatBody;
  /** From the path segment(s) after `/models/` to the id that is looked up. */
  readonly readModelId: (encoded: string) => string;
  readonly listBody: (models: readonly Model[]) => unknown;
  readonly modelBody: (model: Model) => unknown;
  /** What is wrong with an embedding request. */
  readonly judgeEmbedding: (body: ChatBody) => Refusal | null;
  readonly embedding: (list: EmbeddingList, body: ChatBody) => unknown;
  /** What is wrong with a request for a plain completion. */
  readonly judgeText: (body: ChatBody) => Refusal | null;
  /** What is left of a valid request for a plain completion. */
  readonly readText: (body: ChatBody) => ChatBody;
  readonly text: (completion: TextCompletion, body: ChatBody) => unknown;
  readonly textChunks: (chunks: readonly TextCompletion[], body: ChatBody) => readonly unknown[];
  readonly completion: (completion: Completion, body: ChatBody) => unknown;
  readonly chunks: (chunks: readonly Chunk[], body: ChatBody) => readonly unknown[];
  /** One event of a stream, from its data. */
  readonly frame: (data: string) => string;
  /** All frames of a stream and the sentinel, before they are timed. */
  readonly frames: (frames: readonly string[], body: ChatBody) => readonly string[];
  readonly refusalBody: (refusal: Refusal, call: ReferenceCall) => unknown;
  readonly limiter: RateLimiter;
  readonly rateHeaders: (facts: RateFacts) => Readonly<Record<string, string>>;
  readonly ledger: Ledger;
  readonly places: Places;
  /** The last word on every reply. */
  readonly reply: (reply: Reply, call: ReferenceCall) => Reply;
  /** Awaited before a call is looked at. */
  readonly admission: (call: ReferenceCall) => Promise<void>;
}

export function defineReferenceWire(): ReferenceWire {
  return {
    scheme: /^bearer$/i,
    steps: ["authenticate", "decode", "resolve", "limit", "pay", "place"],
    rules: { ...DEFAULT_RULES, ...FORM_RULES },
    models: REFERENCE_MODELS,
    admit: admitVerdict,
    decodeText: decodeUtf8,
    acceptsContentType: (contentType) => /^application\/json\b/i.test(contentType),
    readRequest: (body) => body,
    readModelId: (encoded) => decodeURIComponent(encoded),
    listBody: (models) => ({ object: "list", data: models }),
    modelBody: (model) => model,
    judgeEmbedding,
    embedding: (list) => list,
    judgeText,
    readText: (body) => body,
    text: (completion) => completion,
    textChunks: (chunks) => chunks,
    completion: (completion) => completion,
    chunks: (chunks) => chunks,
    frame: (data) => `data: ${data}\n\n`,
    frames: (frames) => frames,
    refusalBody: (refusal) => encodeRefusal(refusal),
    limiter: createRateLimiter(),
    rateHeaders: encodeRateFacts,
    ledger: createLedger(),
    places: createPlaces(),
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
