/** What a check may touch: the target through the official SDK or through the bare wire, both recorded. */

import type OpenAI from "openai";
import type { Exchange } from "./exchange.ts";
import type { OfficialSdk } from "./official-sdk.ts";
import type { RealtimeConnection } from "./realtime-connection.ts";
import type { FixtureName, Fixtures, KeyName, Target } from "./target.ts";

/** A key of the target's recipe, a literal one, a whole `Authorization` header, or none at all. */
export type Credential = KeyName | { readonly literal: string } | { readonly authorization: string } | null;

export interface SdkOptions {
  /** Default `full`. */
  readonly credential?: Credential;
  /** Default 0: a check that is not about retries sends one request. */
  readonly maxRetries?: number;
  readonly signal?: AbortSignal;
  /** Default false. A call that has to be refused, which takes no model: who says nothing for `patienceMs` hangs. */
  readonly isRefusable?: boolean;
}

/**
 * What the SDK made of it, next to everything that crossed the wire meanwhile. Exactly one of value and error is set.
 */
export interface SdkOutcome<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  /** In the order sent; more than one when the SDK retried. */
  readonly exchanges: readonly Exchange[];
  /** The last of them. */
  readonly exchange: Exchange;
}

export interface WireRequest {
  readonly method: string;
  /** Below the base URL, with a leading slash: `/models`. */
  readonly path: string;
  /** Default `full`. */
  readonly credential?: Credential;
  /**
   * Override or add; `authorization` here wins over `credential`, and null removes a header. A request with a body gets
   * `content-type: application/json` unless this says otherwise.
   */
  readonly headers?: Readonly<Record<string, string | null>>;
  /**
   * Sent as it is; a string is UTF-8. Objects are not accepted: serialise them, so that the bytes are the check's own.
   */
  readonly body?: string | Uint8Array;
  /** Stop reading after this many body bytes and disconnect: for cancellation checks. */
  readonly disconnectAfterBytes?: number;
  /** Stop reading this long after sending and disconnect; the body's end is then recorded as `open`. */
  readonly disconnectAfterMs?: number;
  /**
   * Sent as HTTP/1.0 without a Host header and without a body; the bounds below are `patienceMs` alone. Default 1.1.
   */
  readonly httpVersion?: "1.0" | "1.1";
  /** Read the beginning, then nothing more, and disconnect when `until` aborts. */
  readonly stall?: Stall;
}

/** A client that holds its connection open and does not read what comes. */
export interface Stall {
  /** Called once, when the answer has begun. */
  readonly onBegin: () => void;
  readonly until: AbortSignal;
}

export interface RealtimeRequest {
  /** Below the base URL; another one is opened without the SDK. Default `/realtime`. */
  readonly path?: string;
  /** With its question mark: `?intent=transcription`. */
  readonly query: string;
  /** Sent as the `Authorization` header. Default `full`. */
  readonly credential?: Credential;
  /** Override or add; null removes a header. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** Subprotocols that are offered. Default: none. */
  readonly protocols?: readonly string[];
  /** Through the SDK's own class, which offers no subprotocol and decides about the headers. Default false. */
  readonly throughSdk?: boolean;
  /** How long the upgrade may take. Default `patienceMs`. */
  readonly withinMs?: number;
}

export interface CheckContext {
  readonly baseUrl: string;
  /** Model ids by role; a role is present whenever the check needs it, as in `model:chat`. */
  readonly models: Target["models"];
  /** Aborted at the check's time limit. */
  readonly signal: AbortSignal;
  /** How long an answer may take that needs no model, such as a refusal, before it counts as none. Milliseconds. */
  readonly patienceMs: number;
  /** The module behind `sdk`: its classes are those of the errors that it throws. */
  readonly officialSdk: OfficialSdk;
  /** The literal behind a key name. @throws NotTestable when the recipe lacks it. */
  key(name: KeyName): string;
  /** What the operator prepared. @throws NotTestable when the recipe lacks it. */
  fixture<Name extends FixtureName>(name: Name): Fixtures[Name];
  /** Runs one call of the official SDK against the target; a thrown SDK error is an outcome, not an exception. */
  sdk<T>(call: (client: OpenAI) => Promise<T>, options?: SdkOptions): Promise<SdkOutcome<T>>;
  /** One request without the SDK, for what the SDK can't send or hides. */
  wire(request: WireRequest): Promise<Exchange>;
  /**
   * A WebSocket connection, to `/realtime` unless it says otherwise; one that was refused is an outcome. It is closed at the check's end.
   */
  realtime(request: RealtimeRequest): Promise<RealtimeConnection>;
  /**
   * What is made once in a run, by the first check that asks for it, and is the same for all: a recording of a session
   * that several checks look at. What `make` throws as an outcome is thrown to all of them.
   */
  shared<T>(key: SharedKey<T>, make: () => Promise<T>): Promise<T>;
}

/** Something that checks share: what each run has made of it. */
export interface SharedKey<T> {
  readonly made: WeakMap<SharedRun, Promise<T>>;
}

/** A run, by its identity. */
export type SharedRun = object;

export function defineShared<T>(): SharedKey<T> {
  return { made: new WeakMap() };
}
