/** From what a native call failed with to a `ClientError`. */

import { TRPCClientError } from "@trpc/client";
import type { NativeErrorData } from "@openai-compat/spec";
import { ClientError } from "../client-error.ts";

/** An error in tRPC's shape: `data` is what the server says about it. */
interface NativeErrorShape {
  readonly message: string;
  readonly data: Partial<NativeErrorData>;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Whether a value is `{message, code: number, data}`, the `error` of tRPC's answers. */
export function isNativeErrorShape(value: unknown): value is NativeErrorShape {
  return (
    isObject(value) &&
    "code" in value &&
    typeof value.code === "number" &&
    "message" in value &&
    typeof value.message === "string" &&
    "data" in value &&
    isObject(value.data)
  );
}

function isRetryable(status: number): boolean {
  return status === 408 || status === 409 || status === 429 || (status >= 500 && status !== 501);
}

/** @param error of an answer, an event or a message of the server */
export function decodeNativeError({ message, data }: NativeErrorShape): ClientError {
  const status = data.httpStatus ?? null;
  return new ClientError({
    kind: "api",
    message,
    status,
    code: data.code ?? null,
    type: data.type ?? null,
    param: data.param ?? null,
    requestId: data.requestId ?? null,
    retryable: data.shouldRetry ?? (status !== null && isRetryable(status)),
    retryAfterMs: data.retryAfterMs ?? null,
  });
}

/** @param thrown by the tRPC client, which wraps what a link has thrown */
export function mapNativeError(thrown: unknown): ClientError {
  if (thrown instanceof ClientError) return thrown;
  if (!(thrown instanceof TRPCClientError)) return createInvalidError(String(thrown), thrown);
  const { shape, cause, message } = thrown;
  if (cause instanceof ClientError) return cause;
  if (isNativeErrorShape(shape)) return decodeNativeError(shape);
  if (cause instanceof Error && cause.name === "TRPCWebSocketClosedError") {
    return new ClientError({
      kind: "connection",
      message: `The connection was lost: ${message}.`,
      retryable: true,
      cause,
    });
  }
  return createInvalidError(message, thrown);
}

/** What came is no answer in tRPC's protocol. */
export function createInvalidError(what: string, cause?: unknown): ClientError {
  return new ClientError({
    kind: "invalid-response",
    message: `The answer is not one of the native surface: ${what}. Is \`trpcURL\` right?`,
    cause,
  });
}
