/**
 * Errors as plain data, and back. A structured clone of an `AiError` is a bare `Error` without its code; what crosses to
 * another process goes as `AiErrorData` and comes out as the error that was thrown.
 */

import { AiError, toAiError } from "./ai-error.ts";
import type { AiErrorCode } from "./ai-error.ts";

export interface AiErrorData {
  readonly code: AiErrorCode;
  readonly message: string;
  readonly param: string | null;
  readonly retryAfterMs: number | null;
  readonly stack: string | null;
  /** For the operator's log, as what the caller gets has nothing of it. */
  readonly cause: ThrownData | null;
}

/** What is worth logging of anything that was thrown. */
export interface ThrownData {
  readonly name: string;
  readonly message: string;
  readonly stack: string | null;
  /** As in Node's system errors; null where it has none. */
  readonly code: string | null;
  readonly cause: ThrownData | null;
  /** Of an `AggregateError`. */
  readonly errors: readonly ThrownData[];
}

/** Errors below one that is encoded, causes of causes included; those beyond are left out, and cycles end here. */
export const THROWN_MAX = 16;
/** Characters of a message or stack of a cause; the rest is cut. */
export const THROWN_TEXT_MAX = 16_384;

/**
 * @param thrown anything: `toAiError` says what it is to a caller.
 * @param signal the call's.
 */
export function encodeAiError(thrown: unknown, signal?: AbortSignal): AiErrorData {
  const error = toAiError(thrown, signal);
  const { code, message, param, retryAfterMs = null, stack = null } = error;
  const budget = { left: THROWN_MAX };
  return { code, message, param, retryAfterMs, stack, cause: encodeCause(error, budget) };
}

export function decodeAiError({ code, message, param, retryAfterMs, stack, cause }: AiErrorData): AiError {
  const error = new AiError(code, message, {
    param,
    ...(retryAfterMs !== null && { retryAfterMs }),
    ...(cause !== null && { cause: decodeThrown(cause) }),
  });
  return define(error, { stack });
}

interface Budget {
  left: number;
}

function encodeCause({ cause }: Error, budget: Budget): ThrownData | null {
  return cause === undefined || budget.left === 0 ? null : encodeThrown(cause, budget);
}

function encodeThrown(thrown: unknown, budget: Budget): ThrownData {
  budget.left -= 1;
  if (!(thrown instanceof Error)) {
    return { name: "Error", message: print(thrown), stack: null, code: null, cause: null, errors: [] };
  }
  const code: unknown = Reflect.get(thrown, "code");
  return {
    name: print(thrown.name),
    message: print(thrown.message),
    stack: typeof thrown.stack === "string" ? print(thrown.stack) : null,
    code: typeof code === "string" ? print(code) : null,
    cause: encodeCause(thrown, budget),
    errors: thrown instanceof AggregateError ? encodeErrors(thrown.errors, budget) : [],
  };
}

function encodeErrors(errors: readonly unknown[], budget: Budget): readonly ThrownData[] {
  const encoded: ThrownData[] = [];
  for (const error of errors) {
    if (budget.left === 0) break;
    encoded.push(encodeThrown(error, budget));
  }
  return encoded;
}

/** Of an object that is no error its kind at most: its members may hold anything. */
function print(value: unknown): string {
  const text = isSimple(value) ? String(value) : Object.prototype.toString.call(value);
  return text.slice(0, THROWN_TEXT_MAX);
}

function isSimple(value: unknown): value is string | number | bigint | boolean | symbol | null | undefined {
  return (typeof value !== "object" && typeof value !== "function") || value === null;
}

function decodeThrown({ name, message, stack, code, cause, errors }: ThrownData): Error {
  const options = cause === null ? {} : { cause: decodeThrown(cause) };
  const error =
    errors.length > 0 ? new AggregateError(errors.map(decodeThrown), message, options) : new Error(message, options);
  // What was not an error has no place where it was made.
  return define(error, { name, stack: stack ?? message, ...(code !== null && { code }) });
}

/** Not enumerable, as an error's own. */
function define<Thrown extends Error>(error: Thrown, texts: Readonly<Record<string, string | null>>): Thrown {
  for (const [key, value] of Object.entries(texts)) {
    if (value === null) continue;
    Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: false });
  }
  return error;
}
