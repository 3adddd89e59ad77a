/** What can end an attempt from outside: the caller's signal and the server's silence. It sends nothing. */

import { ClientError } from "../client-error.ts";

export interface CallWatch {
  /** Fires when the caller aborts or the server has been silent for too long. */
  readonly signal: AbortSignal;
  /** From now on the server is waited for. */
  startWait(): void;
  /** What was waited for has come; between two waits the caller may take any time. */
  endWait(): void;
  /** How long each wait may be from now on; before that, as long as the call's `timeoutMs`. */
  limitWaits(timeoutMs: number): void;
  /** Ends the attempt as if the caller's signal had fired. */
  abort(): void;
  /** Nothing more is waited for: lets go of the timer and the caller's signal. */
  close(): void;
  /** Why the attempt failed: what the watch has seen, or else the connection. */
  toError(thrown: unknown): ClientError;
}

export function createAbortError(signal: AbortSignal | null): ClientError {
  return new ClientError({ kind: "aborted", message: "The call was aborted.", cause: signal?.reason });
}

/** It waits from the start. One timer serves all waits: a stream has thousands of them. */
export function watchCall(callerSignal: AbortSignal | null, callTimeoutMs: number): CallWatch {
  const controller = new AbortController();
  let timeoutMs = callTimeoutMs;
  let failure: ClientError | null = null;
  let timer: ReturnType<typeof setTimeout> | null = null;
  let waitingSinceMs: number | null = null;

  const fail = (error: ClientError) => {
    failure ??= error;
    controller.abort(failure);
  };
  const arm = (delayMs: number) => {
    timer = setTimeout(() => {
      timer = null;
      if (waitingSinceMs === null) return;
      const leftMs = waitingSinceMs + timeoutMs - performance.now();
      if (leftMs > 0) arm(leftMs);
      else fail(new ClientError({ kind: "timeout", message: describeSilence(timeoutMs), retryable: true }));
    }, delayMs);
  };
  const onAbort = () => fail(createAbortError(callerSignal));
  const watch: CallWatch = {
    signal: controller.signal,
    startWait() {
      waitingSinceMs = performance.now();
      if (timer === null) arm(timeoutMs);
    },
    endWait() {
      waitingSinceMs = null;
    },
    limitWaits(limitMs) {
      timeoutMs = limitMs;
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
    abort: onAbort,
    close() {
      waitingSinceMs = null;
      if (timer !== null) clearTimeout(timer);
      timer = null;
      callerSignal?.removeEventListener("abort", onAbort);
    },
    toError(thrown) {
      if (failure !== null) return failure;
      if (thrown instanceof ClientError) return thrown;
      return new ClientError({ kind: "connection", message: describeThrown(thrown), retryable: true, cause: thrown });
    },
  };
  if (callerSignal?.aborted === true) onAbort();
  else callerSignal?.addEventListener("abort", onAbort, { once: true });
  watch.startWait();
  return watch;
}

function describeSilence(timeoutMs: number): string {
  return `The server sent nothing for ${timeoutMs} ms (\`timeoutMs\`).`;
}

function describeThrown(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return `The connection to the server failed: ${reason === "" ? "no reason is known" : reason.replace(/\.$/, "")}.`;
}
