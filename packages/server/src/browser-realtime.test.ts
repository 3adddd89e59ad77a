/** The official SDK's class for browsers, in a real one, as its users get it: bundled, over `wss`. */

import { createScriptedTranscriptionEngine } from "@openai-compat/engines";
import { build } from "esbuild";
import OpenAI from "openai";
import type { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
import { expect, onTestFinished, test } from "vitest";
import { HAS_CHROMIUM, openPage, warnWithoutChromium } from "./testing/chromium.ts";
import { speakPcm } from "./testing/microphone.ts";
import { startTestServer } from "./testing/test-server.ts";
import { startTlsFront } from "./testing/tls-front.ts";

warnWithoutChromium("the SDK's class for realtime sessions");

const SAID = "Browsers speak the same protocol.";
const SILENCE_SECONDS = 2;

interface SdkWindow {
  readonly sdk: { readonly OpenAIRealtimeWebSocket: typeof OpenAIRealtimeWebSocket };
}

async function bundleSdk(): Promise<string> {
  const contents = `
    import { OpenAIRealtimeWebSocket } from "openai/realtime/websocket";
    globalThis.sdk = { OpenAIRealtimeWebSocket };`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    write: false,
    platform: "browser",
    format: "iife",
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

async function openSdkPage() {
  const { server, baseUrl, keys } = await startTestServer({
    engine: createScriptedTranscriptionEngine(),
    models: [{ id: "scripted-ears", type: "transcription", isDefault: true }],
  });
  onTestFinished(() => server.close());
  const baseURL = await startTlsFront(baseUrl);
  const { page } = await openPage(["--ignore-certificate-errors"]);
  await page.goto(new URL("/healthz", baseURL).href);
  await page.addScriptTag({ content: await bundleSdk() });
  const client = new OpenAI({ baseURL: baseUrl, apiKey: keys.key });
  const { value: key } = await client.realtime.clientSecrets.create({ session: { type: "transcription" } });
  return { page, baseURL, key };
}

interface Conversation {
  readonly baseURL: string;
  /** A client secret. */
  readonly key: string;
  readonly detection: { readonly type: "server_vad" } | null;
  /** Pieces of the speech, in base64. */
  readonly pieces: readonly string[];
}

/** Runs in the browser. @returns the session's events until a turn is completed */
function converse({ baseURL, key, detection, pieces }: Conversation): Promise<Record<string, unknown>[]> {
  // The bundle that runs in the page has put it there.
  const { OpenAIRealtimeWebSocket: Socket } = (globalThis as unknown as SdkWindow).sdk;
  // It takes a client secret without being told that browsers are dangerous.
  const realtime = new Socket({ intent: "transcription" }, { baseURL, apiKey: key });
  const events: Record<string, unknown>[] = [];
  return new Promise((resolve, reject) => {
    realtime.on("error", (error) => reject(error));
    realtime.on("event", (event) => events.push({ ...event }));
    realtime.on("session.created", () =>
      realtime.send({
        type: "session.update",
        session: { type: "transcription", audio: { input: { turn_detection: detection } } },
      }),
    );
    realtime.on("session.updated", () => {
      for (const audio of pieces) realtime.send({ type: "input_audio_buffer.append", audio });
      if (detection === null) realtime.send({ type: "input_audio_buffer.commit" });
    });
    realtime.on("conversation.item.input_audio_transcription.completed", () => {
      realtime.close();
      resolve(events);
    });
  });
}

const PIECE_BYTES = 4800;

async function speakInPieces(): Promise<readonly string[]> {
  const pcm = Buffer.concat([await speakPcm(SAID), Buffer.alloc(SILENCE_SECONDS * 48_000)]);
  const count = Math.ceil(pcm.length / PIECE_BYTES);
  return Array.from({ length: count }, (_, index) =>
    pcm.subarray(index * PIECE_BYTES, (index + 1) * PIECE_BYTES).toString("base64"),
  );
}

test.skipIf(!HAS_CHROMIUM).each([null, { type: "server_vad" } as const])(
  "OpenAIRealtimeWebSocket transcribes in a browser with a client secret and turn detection %o",
  async (detection) => {
    const { page, baseURL, key } = await openSdkPage();
    const events = await page.evaluate(converse, { baseURL, key, detection, pieces: await speakInPieces() });
    const types = events.map(({ type }) => type);
    expect(types[0]).toBe("session.created");
    expect(types.includes("input_audio_buffer.speech_started")).toBe(detection !== null);
    const texts = events.filter(({ type }) => String(type).endsWith("transcription.delta"));
    expect(texts.map(({ delta }) => String(delta)).join("")).toBe(SAID);
    expect(events.at(-1)).toMatchObject({ transcript: SAID, usage: { type: "duration" } });
  },
  60_000,
);
