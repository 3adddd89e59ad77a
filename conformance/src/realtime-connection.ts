/**
 * One WebSocket connection to the target, opened by the official SDK or by the bare wire. It records all that crosses
 * it, waits for a bounded time, and judges nothing.
 */

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { OpenAIRealtimeWS } from "openai/realtime/ws";
import type { RawData, WebSocket } from "ws";
import type { Exchange, RecordedMessage } from "./exchange.ts";
import type { ExchangeRecording } from "./exchange-recording.ts";
import { isJsonObject, type JsonObject } from "./json-object.ts";

/** What the server sent as one text message. */
export interface ReceivedEvent {
  /** Milliseconds since the request was sent. */
  readonly atMs: number;
  readonly text: string;
  /** Empty where the text is no JSON object. */
  readonly value: JsonObject;
}

export interface Closure {
  /** 1006 where the connection broke without a close frame, 1005 where the frame has no code. */
  readonly code: number;
  readonly reason: string;
}

/** What the official SDK made of the connection; nothing where the SDK did not open it. */
export interface SdkView {
  /** The types of the events that it emitted, in order. */
  readonly types: readonly string[];
  readonly errors: readonly { readonly message: string; readonly error: unknown; readonly eventId: unknown }[];
}

export interface RealtimeConnectionOptions {
  readonly socket: WebSocket;
  /** The SDK's own object around the socket; null for the bare wire. */
  readonly sdk: OpenAIRealtimeWS | null;
  /** The stream below the frames, once there is one. */
  readonly stream: () => Duplex | null;
  readonly recording: ExchangeRecording;
}

/** Characters of a message that the record keeps: audio is long and says little. */
const RECORDED_LENGTH_MAX = 16 * 1024;
const REFUSAL_BYTES_MAX = 64 * 1024;

export class RealtimeConnection {
  readonly #socket: WebSocket;
  readonly #stream: () => Duplex | null;
  readonly #recording: ExchangeRecording;
  readonly #startedAt = performance.now();
  readonly #events: ReceivedEvent[] = [];
  readonly #messages: RecordedMessage[] = [];
  readonly #sdk = { types: [] as string[], errors: [] as SdkView["errors"][number][] };
  readonly #waiting = new Set<() => void>();
  #opened = false;
  #failure: string | null = null;
  #closure: Closure | null = null;

  constructor({ socket, sdk, stream, recording }: RealtimeConnectionOptions) {
    this.#socket = socket;
    this.#stream = stream;
    this.#recording = recording;
    this.#listen();
    sdk?.on("event", ({ type }) => this.#sdk.types.push(type));
    sdk?.on("error", ({ message, error, event_id: eventId }) => {
      this.#sdk.errors.push({ message, error, eventId });
    });
  }

  /** Whether the upgrade has succeeded, also after the end of the connection. */
  get opened(): boolean {
    return this.#opened;
  }

  /** Null while it is open. */
  get closure(): Closure | null {
    return this.#closure;
  }

  /** Why the client gave up on the upgrade or the connection; null where it did not. */
  get failure(): string | null {
    return this.#failure;
  }

  /** The subprotocol that was agreed on; empty for none. */
  get protocol(): string {
    return this.#socket.protocol;
  }

  /** In the order received. */
  get events(): readonly ReceivedEvent[] {
    return this.#events;
  }

  get sdk(): SdkView {
    return this.#sdk;
  }

  /** As it stands now. */
  exchange(): Exchange {
    return { ...this.#recording.snapshot(), messages: [...this.#messages] };
  }

  /** One text message. An object is serialised; a string goes out as it is. */
  send(message: object | string): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.#note("client", "text", text);
    if (this.#canSend()) this.#socket.send(text);
  }

  sendBinary(bytes: Uint8Array): void {
    this.#note("client", "binary", encodeBytes(bytes));
    if (this.#canSend()) this.#socket.send(bytes, { binary: true });
  }

  /** One text message in several frames. `between` is called before each frame but the first. */
  sendFragments(parts: readonly (string | Uint8Array)[], between: () => void = () => {}): void {
    for (const [index, part] of parts.entries()) {
      if (index > 0) between();
      this.#note("client", "text", typeof part === "string" ? part : encodeBytes(part));
      if (this.#canSend()) this.#socket.send(part, { binary: false, fin: index === parts.length - 1 });
    }
  }

  ping(text: string): void {
    this.#note("client", "ping", text);
    if (this.#canSend()) this.#socket.ping(text);
  }

  /** Bytes below the frames: for frames that no client sends. */
  sendRaw(bytes: Uint8Array): void {
    this.#note("client", "raw", encodeBytes(bytes));
    if (this.#canSend()) this.#stream()?.write(bytes);
  }

  /** Begins the closing handshake. */
  close(code = 1000): void {
    this.#note("client", "close", String(code));
    if (this.#canSend()) this.#socket.close(code);
  }

  /** Leaves without a close frame. */
  terminate(): void {
    this.#socket.terminate();
  }

  /** All that has been recorded until now, control frames too. */
  get messages(): readonly RecordedMessage[] {
    return this.#messages;
  }

  /**
   * Resolves when `holds`, with true; when the connection has ended or the time is up without that, with false. It is
   * asked after each message.
   */
  async until(holds: () => boolean, withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs;
    while (!holds()) {
      const leftMs = deadline - performance.now();
      if (this.#hasEnded() || leftMs <= 0) return false;
      await this.#change(leftMs);
    }
    return true;
  }

  /** The first event of the type at or after this position; null when none came in time. */
  async waitFor(type: string, { from = 0, withinMs }: { from?: number; withinMs: number }): Promise<JsonObject | null> {
    const find = (): ReceivedEvent | undefined => this.#events.slice(from).find(({ value }) => value["type"] === type);
    await this.until(() => find() !== undefined, withinMs);
    return find()?.value ?? null;
  }

  /** Null when it is still open then. */
  async waitForClosure(withinMs: number): Promise<Closure | null> {
    await this.until(() => this.#closure !== null, withinMs);
    return this.#closure;
  }

  #change(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(settle);
        resolve();
      };
      const timer = setTimeout(settle, withinMs);
      this.#waiting.add(settle);
    });
  }

  #canSend(): boolean {
    return this.#socket.readyState === this.#socket.OPEN;
  }

  #hasEnded(): boolean {
    return this.#closure !== null || this.#recording.hasFailed;
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("upgrade", (response) => this.#recording.respond(response.statusCode ?? 0, readHeaders(response)));
    socket.on("open", () => {
      this.#opened = true;
      this.#notify();
    });
    socket.on("unexpected-response", (_request, response) => void this.#recordRefusal(response));
    socket.on("message", (data, isBinary) => this.#receive(toBuffer(data), isBinary));
    socket.on("ping", (data) => this.#note("server", "ping", data.toString()));
    socket.on("pong", (data) => this.#note("server", "pong", data.toString()));
    socket.on("error", (error) => {
      this.#failure ??= error.message;
      this.#recording.fail(error);
      this.#notify();
    });
    socket.on("close", (code, reason) => {
      this.#closure = { code, reason: reason.toString() };
      this.#recording.finish(code === 1006 ? "cut" : "clean");
      if (this.#opened) this.#note("server", "close", `${code} ${reason.toString()}`.trim());
      this.#notify();
    });
  }

  async #recordRefusal(response: IncomingMessage): Promise<void> {
    this.#recording.respond(response.statusCode ?? 0, readHeaders(response));
    let bytes = 0;
    try {
      for await (const chunk of response as AsyncIterable<Buffer>) {
        this.#recording.append(chunk);
        bytes += chunk.length;
        if (bytes > REFUSAL_BYTES_MAX) break;
      }
      this.#recording.finish("clean");
    } catch {
      // A body that breaks off is recorded as that.
      this.#recording.finish("cut");
    }
    this.#socket.terminate();
  }

  #receive(data: Buffer, isBinary: boolean): void {
    this.#recording.append(data);
    if (isBinary) return this.#note("server", "binary", encodeBytes(data));
    const text = data.toString();
    this.#events.push({ atMs: this.#elapsedMs(), text, value: parseObject(text) });
    this.#note("server", "text", text);
  }

  #note(from: RecordedMessage["from"], type: RecordedMessage["type"], data: string): void {
    const kept = data.length > RECORDED_LENGTH_MAX ? `${data.slice(0, RECORDED_LENGTH_MAX)}…` : data;
    this.#messages.push({ from, type, atMs: this.#elapsedMs(), data: kept });
    this.#notify();
  }

  #notify(): void {
    for (const settle of this.#waiting) settle();
  }

  #elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }
}

function parseObject(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

function encodeBytes(bytes: Uint8Array): string {
  return Buffer.from(bytes.subarray(0, RECORDED_LENGTH_MAX)).toString("base64");
}

function toBuffer(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data);
  return Buffer.isBuffer(data) ? data : Buffer.from(data);
}

function readHeaders({ headers }: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}
