/** A realtime session over a socket: events are validated both ways, and wait until somebody takes them. */

import type { RealtimeClientEvent, RealtimeServerEvent } from "@openai-compat/spec";
import { ClientError } from "../client-error.ts";
import type { CallWatch } from "../http/call-watch.ts";
import type { Socket } from "./open-socket.ts";
import type { SessionChecks } from "./schemas.ts";

/** The most characters of events that wait to be taken; then the session is closed. */
const WAITING_CHARACTERS_MAX = 64 * 1024 * 1024;
/** The most bytes that wait to be sent; then `send` refuses. */
const UNSENT_BYTES_MAX = 64 * 1024 * 1024;

/**
 * A session. Its loop ends when either side has closed it and throws when the connection is lost. Events wait for the next
 * loop; leaving a loop doesn't close the session. An event `error` of the server is an event: most of them don't end a
 * session.
 */
export interface RealtimeSession extends AsyncIterable<RealtimeServerEvent> {
  /** Bytes that have not been sent yet. */
  readonly unsentBytes: number;
  /** @throws ClientError where the event has another shape, the session is closed or too much waits to be sent. */
  send(event: RealtimeClientEvent): void;
  /** Closes it. Events that have come can still be taken. */
  close(): void;
}

export interface SessionOptions {
  readonly watch: CallWatch;
  /** Null where nothing is validated. */
  readonly checks: SessionChecks | null;
  readonly waitingCharactersMax?: number;
  readonly unsentBytesMax?: number;
}

type EndReason = "closed" | ClientError;

interface Waiting {
  readonly event: RealtimeServerEvent;
  readonly characters: number;
}

const NORMAL_CLOSURE = 1000;

export function createRealtimeSession(socket: Socket, options: SessionOptions): RealtimeSession {
  const { watch, checks, waitingCharactersMax = WAITING_CHARACTERS_MAX, unsentBytesMax = UNSENT_BYTES_MAX } = options;
  const waiting: Waiting[] = [];
  let waitingCharacters = 0;
  let ended: EndReason | null = null;
  let wake: (() => void) | null = null;

  const end = (reason: EndReason) => {
    ended ??= reason;
    watch.close();
    socket.close(NORMAL_CLOSURE);
    wake?.();
  };
  watch.signal.addEventListener("abort", () => end(watch.toError(watch.signal.reason)), { once: true });
  socket.addEventListener("close", ({ code, reason }) => end(code === NORMAL_CLOSURE ? "closed" : lose(code, reason)));
  socket.addEventListener("message", ({ data }) => {
    if (ended !== null) return;
    const decoded = decodeEvent(data, checks);
    if (decoded instanceof ClientError) return end(decoded);
    waiting.push(decoded);
    waitingCharacters += decoded.characters;
    if (waitingCharacters > waitingCharactersMax) end(overflow(waitingCharactersMax));
    wake?.();
  });

  async function* takeEvents(): AsyncGenerator<RealtimeServerEvent, void> {
    for (;;) {
      const next = waiting.shift();
      if (next !== undefined) {
        waitingCharacters -= next.characters;
        yield next.event;
        continue;
      }
      if (ended === "closed") return;
      if (ended !== null) throw ended;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  return {
    get unsentBytes() {
      return socket.bufferedAmount;
    },
    send(event) {
      if (ended !== null) throw ended === "closed" ? alreadyClosed() : ended;
      if (socket.bufferedAmount > unsentBytesMax) throw tooMuchUnsent(unsentBytesMax);
      const issue = checks?.clientEvent(event) ?? null;
      if (issue !== null) throw refuseEvent(issue);
      socket.send(JSON.stringify(event));
    },
    close: () => end("closed"),
    [Symbol.asyncIterator]: takeEvents,
  };
}

function decodeEvent(data: unknown, checks: SessionChecks | null): Waiting | ClientError {
  if (typeof data !== "string") return invalidEvent("A message of the session is not text.");
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    return invalidEvent("A message of the session is not JSON.");
  }
  const issue = checks?.serverEvent(event) ?? null;
  if (issue !== null) {
    return invalidEvent(
      `An event does not have the shape of the specification: ${issue.path}: ${issue.message}`,
      event,
    );
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- validated, or the caller has turned validation off
  return { event: event as RealtimeServerEvent, characters: data.length };
}

function invalidEvent(message: string, cause?: unknown): ClientError {
  return new ClientError({ kind: "invalid-response", message, cause });
}

function lose(code: number, reason: string): ClientError {
  const why = reason === "" ? "" : `: ${reason}`;
  return new ClientError({
    kind: "connection",
    code: "session_lost",
    message: `The session ended with the close code ${code}${why}.`,
    retryable: true,
  });
}

function overflow(charactersMax: number): ClientError {
  return new ClientError({
    kind: "invalid-request",
    code: "events_not_taken",
    message: `More than ${charactersMax} characters of events were waiting: iterate the session while it is open.`,
  });
}

function alreadyClosed(): ClientError {
  return new ClientError({ kind: "invalid-request", code: "session_closed", message: "The session is closed." });
}

function tooMuchUnsent(bytesMax: number): ClientError {
  return new ClientError({
    kind: "invalid-request",
    code: "too_much_unsent",
    message: `More than ${bytesMax} bytes wait to be sent: send no faster than \`unsentBytes\` falls.`,
    retryable: true,
  });
}

function refuseEvent(issue: { readonly path: string; readonly message: string }): ClientError {
  const message = `The event is not valid: ${issue.path}: ${issue.message}`;
  return new ClientError({ kind: "invalid-request", message, param: issue.path });
}
