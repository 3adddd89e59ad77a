/**
 * What an operation of the reference server is. What all of them have in common (who may call, what an account may
 * spend, slots, headers, framing) stands in `handle-call.ts`, once; an operation knows nothing of it.
 */

import type { ReferenceCall } from "../call.ts";
import type { Model } from "../models.ts";
import type { Refusal } from "../refusal.ts";

/** What a call asks for: the fields of its body, or the parameters of its path. */
export type Fields = Readonly<Record<string, unknown>>;

export type Decoded = { readonly fields: Fields } | { readonly refusal: Refusal };

/** The parts of the wire that read a body. */
export interface BodyReader {
  /** The bytes of a request as text; null refuses them. */
  readonly decodeText: (bytes: Uint8Array) => string | null;
  /** Which content types a JSON body may have. */
  readonly acceptsContentType: (contentType: string) => boolean;
}

export interface AnswerContext {
  /** No other answer has it. */
  readonly number: number;
  /** Seconds. */
  readonly created: number;
  /** Whose call it is. */
  readonly account: string;
  /** Those that the server offers. */
  readonly models: readonly Model[];
}

/** What every answer says. */
export interface Answer {
  /** What was answered. */
  readonly request: Fields;
  /** Credits. */
  readonly cost: number;
  /** A stream sends so many events and then an error; null for one that comes to its end. */
  readonly breaksAfter: number | null;
}

/** Bytes of another content type than JSON. */
export interface Media {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface ReferenceOperation<A extends Answer = Answer> {
  /** Whether calls count against the account's limit, are paid for and take a slot of a slow model. */
  readonly isBilled: boolean;
  /** Events have their `type` as their name, and the last one ends the stream in place of a sentinel. */
  readonly hasNamedEvents?: boolean;
  decode(this: void, call: ReferenceCall, reader: BodyReader): Decoded;
  /** What is wrong with what is asked for; the model is looked up after that. */
  validate(this: void, request: Fields): Refusal | null;
  /** Whether the model can do this; absent where an operation names no model. */
  serves?(this: void, model: Model): boolean;
  /** Default 404. */
  readonly unknownModelStatus?: number;
  /** The most that it can cost, in credits. */
  estimate(this: void, request: Fields): number;
  /** Answers a valid request. A refusal is one that shows only then, such as an upstream's. */
  answer(this: void, request: Fields, context: AnswerContext): A | Refusal;
  /** JSON, or bytes of another type. */
  encode(this: void, answer: A): unknown;
  /** The events of a stream; absent where an operation never streams. */
  encodeStream?(this: void, answer: A): readonly unknown[];
}

export function isRefusal(value: Answer | Refusal): value is Refusal {
  return "status" in value;
}

export function isMedia(value: unknown): value is Media {
  return typeof value === "object" && value !== null && "bytes" in value;
}
