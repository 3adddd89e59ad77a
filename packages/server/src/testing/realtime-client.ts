/** A client of realtime sessions for tests: it keeps every event, and validates each against the specification. */

import { realtimeServerEventSchema } from "@openai-compat/spec";
import type { RealtimeServerEvent } from "@openai-compat/spec";
import { expect, onTestFinished } from "vitest";
import { WebSocket } from "ws";

export type ServerEventType = RealtimeServerEvent["type"];

export interface RealtimeClientOptions {
  readonly baseUrl: string;
  readonly token: string;
  /** Default: `intent=transcription`. */
  readonly query?: string;
}

export interface RealtimeClient {
  readonly socket: WebSocket;
  readonly events: readonly RealtimeServerEvent[];
  types(): readonly string[];
  of<Type extends ServerEventType>(type: Type): readonly Extract<RealtimeServerEvent, { readonly type: Type }>[];
  /** Sends an event, or a text as it is. */
  send(event: object | string): void;
  /** Appends audio in pieces of 100 ms. */
  append(audio: Buffer): void;
  /** Resolves with the last one when so many events of the type have come. */
  until<Type extends ServerEventType>(
    type: Type,
    count?: number,
  ): Promise<Extract<RealtimeServerEvent, { readonly type: Type }>>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

/** 24 kHz, 16 bits. */
const PIECE_BYTES = 4800;

/** Resolves when the connection is open. */
export async function openRealtimeClient(options: RealtimeClientOptions): Promise<RealtimeClient> {
  const { baseUrl, token, query = "intent=transcription" } = options;
  const url = `${baseUrl.replace(/^http/, "ws")}/realtime?${query}`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}` } });
  onTestFinished(() => socket.terminate());
  const events: RealtimeServerEvent[] = [];
  const watchers = new Set<() => void>();
  socket.on("message", (data) => {
    events.push(realtimeServerEventSchema.parse(JSON.parse(Buffer.isBuffer(data) ? data.toString() : "")));
    for (const watch of watchers) watch();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("open", () => resolve());
    socket.on("error", reject);
  });
  const of = <Type extends ServerEventType>(type: Type) =>
    events.filter((event): event is Extract<RealtimeServerEvent, { readonly type: Type }> => event.type === type);
  const send = (event: object | string) => socket.send(typeof event === "string" ? event : JSON.stringify(event));
  return {
    socket,
    events,
    types: () => events.map(({ type }) => type),
    of,
    send,
    append(audio) {
      for (let at = 0; at < audio.length; at += PIECE_BYTES) {
        send({ type: "input_audio_buffer.append", audio: audio.subarray(at, at + PIECE_BYTES).toString("base64") });
      }
    },
    async until(type, count = 1) {
      return new Promise((resolve, reject) => {
        const fail = () => {
          watchers.delete(look);
          reject(new Error(`No ${type} came; what came: ${JSON.stringify(events.slice(-10))}`));
        };
        const timer = setTimeout(fail, 20_000);
        const look = () => {
          const found = of(type)[count - 1];
          if (found === undefined) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        look();
        socket.on("close", fail);
      });
    },
    closed,
  };
}

/** A turn that the client commits itself. */
export const MANUAL = {
  type: "session.update",
  session: { type: "transcription", audio: { input: { turn_detection: null } } },
};

export const COMMIT = { type: "input_audio_buffer.commit" };

/** A text as the scripted voice speaks it, as the audio of a session. */
export async function speakPcm(baseUrl: string, token: string, text: string): Promise<Buffer> {
  const response = await fetch(`${baseUrl}/audio/speech`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "voice", input: text, voice: "alloy", response_format: "pcm" }),
  });
  expect(response.status).toBe(200);
  return Buffer.from(await response.arrayBuffer());
}
