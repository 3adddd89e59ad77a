/**
 * Makes one sequence of events from as many connections as it takes: nothing is lost, nothing comes twice, and where the
 * server does not come back in time, an error says so.
 */

import type { NativePath } from "@openai-compat/spec";
import { ClientError } from "../client-error.ts";
import { sleep } from "../http/retry.ts";

/** One event. `id` is null where the subscription can't be resumed. */
export interface SubscriptionEvent {
  readonly id: string | null;
  readonly data: unknown;
}

export interface Connection {
  readonly path: NativePath;
  readonly input: unknown;
  /** The event behind which the server goes on; null for a new subscription. */
  readonly lastEventId: string | null;
  readonly signal: AbortSignal | null;
  /** How long the server may take to accept the connection, in milliseconds; null for as long as any call. */
  readonly acceptMsMax: number | null;
}

/** Opens one connection. @throws ClientError of kind `connection` or `timeout` where it can be opened again */
export type Connect = (connection: Connection) => AsyncGenerator<SubscriptionEvent, void>;

export interface ResumeOptions {
  /** The longest time without a connection, in milliseconds. */
  readonly reconnectMs: number;
  readonly now: () => number;
}

/** The longest wait before the second attempt to connect again, in milliseconds; it doubles with each further one. */
const FIRST_DELAY_MS = 100;
const DELAY_MS_MAX = 2000;

/** @throws ClientError */
export async function* resumeEvents(
  connect: Connect,
  connection: Pick<Connection, "path" | "input" | "signal">,
  { reconnectMs, now }: ResumeOptions,
): AsyncGenerator<SubscriptionEvent, void> {
  let lastEventId: string | null = null;
  let hasBegun = false;
  let lostAtMs: number | null = null;
  let attempts = 0;
  for (;;) {
    try {
      const acceptMsMax = lostAtMs === null ? null : Math.max(1, lostAtMs + reconnectMs - now());
      for await (const event of connect({ ...connection, lastEventId, acceptMsMax })) {
        hasBegun = true;
        lostAtMs = null;
        attempts = 0;
        lastEventId = event.id ?? lastEventId;
        yield event;
      }
      return;
    } catch (thrown) {
      if (!(thrown instanceof ClientError) || !hasBegun || !isLoss(thrown)) throw thrown;
      lostAtMs ??= now();
      const delayMs = attempts === 0 ? 0 : Math.random() * Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** attempts);
      attempts += 1;
      if (now() + delayMs - lostAtMs > reconnectMs) throw createLostError(thrown, reconnectMs);
      await sleep(delayMs, connection.signal);
    }
  }
}

/** Whether the subscription may still be there. What the server has said about it is final. */
function isLoss({ kind }: ClientError): boolean {
  return kind === "connection" || kind === "timeout";
}

function createLostError(cause: ClientError, reconnectMs: number): ClientError {
  return new ClientError({
    kind: "connection",
    code: "subscription_lost",
    message: `The connection was lost and did not come back within ${reconnectMs} ms (\`reconnectMs\`): ${cause.message}`,
    status: cause.status,
    requestId: cause.requestId,
    retryable: true,
    cause,
  });
}
