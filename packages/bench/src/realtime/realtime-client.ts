/** A client of a realtime session that speaks as people do: as fast as time passes, with a pause after each turn. */

import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "undici";
import type { ServerTarget } from "../local-server.ts";

/** 24 kHz, 16 bits. */
export const BYTES_PER_MS = 48;
const PIECE_MS = 100;
const PIECE_BYTES = PIECE_MS * BYTES_PER_MS;
const ANSWER_MS_MAX = 120_000;

export interface SpokenTurn {
  /** It ends with its last word. */
  readonly speech: Buffer;
  readonly pauseMs: number;
}

export interface HeardTurn {
  readonly transcript: string;
  /** From the last word, as it was sent, to the text of the whole turn. */
  readonly lagMs: number;
}

/** Speaks the turns in a session of its own. @throws Error where an event says so, or a turn gets no text */
export async function speakTurns(target: ServerTarget, turns: readonly SpokenTurn[]): Promise<readonly HeardTurn[]> {
  const url = `${target.baseUrl.replace(/^http/, "ws")}/realtime?intent=transcription`;
  const socket = new WebSocket(url, { headers: { authorization: `Bearer ${target.apiKey}` } });
  const created = Promise.withResolvers<void>();
  const completed = turns.map(() => Promise.withResolvers<{ readonly transcript: string; readonly atMs: number }>());
  let count = 0;
  const fail = (reason: string): void => {
    for (const { reject } of [created, ...completed]) reject(new Error(reason));
  };
  for (const { promise } of [created, ...completed]) promise.catch(() => {});
  socket.addEventListener("message", ({ data }) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own server's events, checked by its own tests
    const event = JSON.parse(String(data)) as { readonly type: string; readonly transcript?: string };
    if (event.type === "session.created") created.resolve();
    if (event.type === "error" || event.type.endsWith("transcription.failed")) fail(`a session got ${String(data)}`);
    if (event.type !== "conversation.item.input_audio_transcription.completed") return;
    completed[count]?.resolve({ transcript: event.transcript ?? "", atMs: performance.now() });
    count += 1;
  });
  socket.addEventListener("close", ({ code, reason }) => fail(`a session was closed with ${code} ${reason}`));
  socket.addEventListener("error", ({ message }) => fail(`a session failed: ${message}`));
  const timer = setTimeout(() => fail("a turn got no text"), ANSWER_MS_MAX + measureMs(turns));
  try {
    await created.promise;
    const endedAtMs = await sendInTime(socket, turns);
    const heard = await Promise.all(completed.map(({ promise }) => promise));
    return heard.map(({ transcript, atMs }, index) => ({ transcript, lagMs: atMs - (endedAtMs[index] ?? Number.NaN) }));
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

export function measureMs(turns: readonly SpokenTurn[]): number {
  return turns.reduce((sum, { speech, pauseMs }) => sum + speech.length / BYTES_PER_MS + pauseMs, 0);
}

/** @returns when the last word of each turn was sent */
async function sendInTime(socket: WebSocket, turns: readonly SpokenTurn[]): Promise<readonly number[]> {
  const startedAtMs = performance.now();
  const endedAtMs: number[] = [];
  let sentMs = 0;
  for (const { speech, pauseMs } of turns) {
    const audio = Buffer.concat([speech, Buffer.alloc(pauseMs * BYTES_PER_MS)]);
    endedAtMs.push(startedAtMs + sentMs + speech.length / BYTES_PER_MS);
    for (let at = 0; at < audio.length; at += PIECE_BYTES) {
      const piece = audio.subarray(at, at + PIECE_BYTES);
      sentMs += piece.length / BYTES_PER_MS;
      // A microphone has a piece when its last sample was heard.
      await sleep(Math.max(0, startedAtMs + sentMs - performance.now()));
      socket.send(JSON.stringify({ type: "input_audio_buffer.append", audio: piece.toString("base64") }));
    }
  }
  return endedAtMs;
}
