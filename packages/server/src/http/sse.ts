/**
 * Server-sent events: one line of JSON each, after a line with its name where the protocol names its events. No `id:`
 * and no `retry:` fields: some clients fail on them, as they do on an `event:` that they don't expect. Comments are
 * sent only where nothing else is, so that proxies don't close a slow stream; without an `id:` the official SDKs skip
 * them.
 */

/** Line breaks to some parsers (`str.splitlines`, httpx) though not to the SSE standard; escaped they stay JSON. */
const FOREIGN_LINE_BREAKS = /[\u0085\u2028\u2029]/g;

export const SSE_KEEP_ALIVE = ": keep-alive\n\n";

export const SSE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
  // Asks reverse proxies not to collect the stream before they pass it on.
  "x-accel-buffering": "no",
};

/** A name that can't end its line. */
const EVENT_NAME = /^[\w.-]+$/;

/**
 * One whole event.
 *
 * @param data anything that JSON can hold
 * @param name of the event (`response.created`); default: it has none, and is a `message` to an `EventSource`
 * @throws TypeError for a name of other characters than letters, digits, `_`, `.` and `-`
 */
export function encodeSseEvent(data: unknown, name?: string): string {
  const json = JSON.stringify(data).replace(
    FOREIGN_LINE_BREAKS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  if (name === undefined) return `data: ${json}\n\n`;
  if (!EVENT_NAME.test(name)) throw new TypeError(`${JSON.stringify(name)} can't be the name of an event.`);
  return `event: ${name}\ndata: ${json}\n\n`;
}

export interface SseStreamOptions {
  /** Encoded events, the ending included. It must not throw: what fails inside becomes an event of its own. */
  readonly events: AsyncGenerator<string | Uint8Array, void>;
  /** After how much silence a comment is sent, while an event is waited for; null for never. */
  readonly keepAliveMs: number | null;
  /** Called for what is sent then, a whole comment or event. Default: a comment. */
  readonly keepAlive?: () => string;
  /** How long a client may leave events unread before it counts as disconnected. */
  readonly stallTimeoutMs: number;
  /**
   * `sum`: all stalls of the stream together, for work that holds a slot meanwhile. `each`: the longest of them, for
   * audio that is taken as it is played.
   */
  readonly stallClock: "sum" | "each";
  /** Called when the client disconnected or stalled: stops the work behind `events` and ends the connection. */
  readonly onDisconnect: () => void;
}

/** A shorter wait for the socket is no stall: the client reads faster than tokens are made. */
const STALL_MS_MIN = 100;

/**
 * The body of a streamed answer. Pull-based: the next event is made when the socket has taken the last one, so a slow
 * reader slows its own generation and nothing piles up. The first event is made at once, because a generator that was
 * never started would not clean up when it is left.
 */
export function createSseStream(options: SseStreamOptions): ReadableStream<Uint8Array> {
  const { events, keepAliveMs, stallTimeoutMs, stallClock, onDisconnect, keepAlive = () => SSE_KEEP_ALIVE } = options;
  const encoder = new TextEncoder();
  const started = events.next();
  let first: typeof started | null = started;
  let isWaiting = false;
  // A failure is reported by the next pull; after a disconnect there is none, and nothing to report to.
  const observe = (settling: Promise<unknown>) => void settling.catch(() => {});
  observe(started);
  let isUnread = false;
  let sentAtMs = performance.now();
  let stalledMs = 0;
  // Both look at the clock when they are due and are not set anew for each event: a stream may have thousands in a
  // second.
  let stall: NodeJS.Timeout | undefined;
  let silence: NodeJS.Timeout | undefined;
  const stopClocks = () => {
    clearTimeout(stall);
    clearTimeout(silence);
  };
  const disconnect = () => {
    stopClocks();
    onDisconnect();
    observe(events.return());
  };
  const watchStall = () => {
    stall = undefined;
    if (!isUnread) return;
    const leftMs = sentAtMs + stallTimeoutMs - stalledMs - performance.now();
    if (leftMs > 0) stall = setTimeout(watchStall, leftMs);
    else disconnect();
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        if (keepAliveMs === null) return;
        const watchSilence = () => {
          const leftMs = sentAtMs + keepAliveMs - performance.now();
          silence = setTimeout(watchSilence, leftMs > 0 ? leftMs : keepAliveMs);
          // Only to a client that has taken all else: comments that it does not read must not pile up.
          if (leftMs <= 0 && isWaiting && controller.desiredSize === 0) controller.enqueue(encoder.encode(keepAlive()));
        };
        silence = setTimeout(watchSilence, keepAliveMs);
      },
      async pull(controller) {
        const waitedMs = isUnread ? performance.now() - sentAtMs : 0;
        if (stallClock === "sum" && waitedMs >= STALL_MS_MIN) stalledMs += waitedMs;
        isUnread = false;
        isWaiting = true;
        const { done, value } = await (first ?? events.next());
        isWaiting = false;
        first = null;
        if (done === true) {
          stopClocks();
          controller.close();
          return;
        }
        controller.enqueue(typeof value === "string" ? encoder.encode(value) : value);
        isUnread = true;
        sentAtMs = performance.now();
        stall ??= setTimeout(watchStall, stallTimeoutMs - stalledMs);
      },
      cancel: disconnect,
    },
    { highWaterMark: 0 },
  );
}
