/**
 * The mutable record behind one `Exchange` while it runs. Both transports write to it; it keeps a bounded number of
 * body bytes and never touches the network itself.
 */

import type { BodyEnd, Exchange, RecordedChunk, RecordedRequest } from "./exchange.ts";

/** Recorded body bytes per exchange: 8 MiB. What comes after still reaches the SDK, but not the record. */
export const RECORDED_BYTES_MAX = 8 * 1024 * 1024;

interface ResponseHead {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly headersAtMs: number;
}

export class ExchangeRecording {
  readonly #request: RecordedRequest;
  readonly #bytesMax: number;
  readonly #onProgress: (recording: ExchangeRecording) => void;
  readonly #startedAt = performance.now();
  readonly #chunks: RecordedChunk[] = [];
  #head: ResponseHead | null = null;
  #transportError: string | null = null;
  #bytes = 0;
  #truncated = false;
  #end: BodyEnd = "open";
  #endAtMs: number | undefined;

  /** @param onProgress called when something of the answer has come, and when it has ended */
  constructor(
    request: RecordedRequest,
    bytesMax: number,
    onProgress: (recording: ExchangeRecording) => void = () => {},
  ) {
    this.#request = request;
    this.#bytesMax = bytesMax;
    this.#onProgress = onProgress;
  }

  /** Body bytes seen so far, recorded or not. */
  get bytes(): number {
    return this.#bytes;
  }

  get url(): string {
    return this.#request.url;
  }

  get hasResponse(): boolean {
    return this.#head !== null;
  }

  /** Whether it broke before a response arrived. */
  get hasFailed(): boolean {
    return this.#head === null && this.#transportError !== null;
  }

  respond(status: number, headers: Readonly<Record<string, string>>): void {
    this.#head = { status, headers, headersAtMs: this.#elapsedMs() };
    this.#onProgress(this);
  }

  append(bytes: Uint8Array): void {
    const room = this.#bytesMax - Math.min(this.#bytes, this.#bytesMax);
    this.#bytes += bytes.byteLength;
    if (bytes.byteLength > room) this.#truncated = true;
    const kept = bytes.byteLength > room ? bytes.subarray(0, room) : bytes;
    if (kept.byteLength > 0) this.#chunks.push({ atMs: this.#elapsedMs(), bytes: kept });
    this.#onProgress(this);
  }

  /** Only the first end counts: what is torn down afterwards changes nothing. */
  finish(end: BodyEnd): void {
    if (this.#endAtMs !== undefined) return;
    this.#end = end;
    this.#endAtMs = this.#elapsedMs();
    this.#onProgress(this);
  }

  /** The exchange broke: the body was cut when there was one, else no response arrived. */
  fail(error: unknown): void {
    if (this.#head !== null) return this.finish("cut");
    this.#transportError ??= describeTransportError(error);
  }

  /** The exchange as it stands now; later bytes do not change it. */
  snapshot(): Exchange {
    if (this.#head === null) {
      return {
        request: this.#request,
        response: null,
        transportError: this.#transportError ?? "PENDING: no response yet",
      };
    }
    return {
      request: this.#request,
      response: {
        ...this.#head,
        chunks: [...this.#chunks],
        end: this.#end,
        endAtMs: this.#endAtMs ?? this.#elapsedMs(),
        truncated: this.#truncated,
      },
      transportError: null,
    };
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }
}

/** `CODE: message` of the innermost cause, because `fetch` wraps the reason in "fetch failed". */
function describeTransportError(error: unknown): string {
  let innermost = error;
  while (innermost instanceof Error && innermost.cause !== undefined) innermost = innermost.cause;
  if (!(innermost instanceof Error)) return `UNKNOWN: ${String(innermost)}`;
  const code = "code" in innermost && typeof innermost.code === "string" ? innermost.code : innermost.name;
  // An AggregateError of all tried addresses has an empty message.
  return `${code}: ${innermost.message === "" ? "no connection" : innermost.message}`;
}

const UNREACHABLE_CODES = [
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
];

/** Reasons of ours: the server had no say. */
const OURS = /^(?:PENDING|AbortError|TimeoutError):/;

/** True when the connection was accepted, and closed by the other side without a response. */
export function isLost(exchange: Exchange): boolean {
  const { response, transportError } = exchange;
  return response === null && transportError !== null && !isUnreachable(exchange) && !OURS.test(transportError);
}

/** True when nothing at the address accepted a connection: then nothing was learnt about the server's behaviour. */
export function isUnreachable(exchange: Exchange): boolean {
  return UNREACHABLE_CODES.some((code) => exchange.transportError?.startsWith(`${code}:`) === true);
}
