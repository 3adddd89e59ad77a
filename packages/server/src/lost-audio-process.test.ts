/** Local models of audio behind a server, their processes killed in the middle of calls: who notices, what it costs, what comes next. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FREE_OF_CHARGE } from "@openai-compat/core";
import type { DecoderEvent, LoadEvent } from "@openai-compat/core";
import {
  DECODER_DEFAULTS,
  configureDecoders,
  createScriptedEngine,
  createVoiceEngine,
  createWhisperEngine,
} from "@openai-compat/engines";
import { encodeSounds, makeTinyWhisper, writeTinyVoices } from "@openai-compat/engines/testing";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { createMemoryStores } from "./stores/memory.ts";
import { startTestServer } from "./testing/test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "openai-compat-lost-audio-"));
afterAll(() => rmSync(folder, { recursive: true }));
const tiny = await makeTinyWhisper();
afterAll(() => tiny[Symbol.asyncDispose]());
const voices = await writeTinyVoices(folder);

const GRANTED = 100_000_000;
const WAIT = { timeout: 60_000, interval: 20 };
const LOST = {
  error: {
    type: "server_error",
    code: "engine_failed",
    message: expect.stringContaining("process of the model ended"),
  },
};
/** Sounds and pauses in turn: many seconds of work. */
const LONG = encodeSounds(Array.from({ length: 80 }, () => 2));
const SHORT = encodeSounds([2]);
/** A credit a second of audio; one a character. */
const prices = { ...FREE_OF_CHARGE, perMinuteOfAudio: 60, perMillionCharacters: 1_000_000 };

/** Remembers the process that has the model. */
function createWatch() {
  const pids: number[] = [];
  const onEvent = (event: LoadEvent): void => {
    if (event.type === "load-end") pids.push(event.pid);
  };
  return { pids, loading: { onEvent } };
}

async function start() {
  const [ears, mouth] = [createWatch(), createWatch()];
  const stores = createMemoryStores();
  await stores.credits.grant({ id: "g", accountId: "ada", amount: GRANTED, note: "tests", nowMs: 1 });
  const queue = { waitingMax: 16, waitTimeMsMax: 120_000 };
  const { server, baseUrl, keys } = await startTestServer({
    stores,
    models: [
      { id: "words", isDefault: true, engine: createScriptedEngine({ tokenDelayMs: 20 }) },
      {
        id: "ears",
        type: "transcription",
        engine: createWhisperEngine({ ...tiny, concurrency: 1, threads: 1, loading: ears.loading }),
        prices,
        queue,
      },
      {
        id: "mouth",
        type: "speech",
        engine: createVoiceEngine({ files: voices.hibari, loading: mouth.loading }),
        prices,
        queue,
      },
    ],
  });
  onTestFinished(() => server.close());
  const authorization = `Bearer ${keys.key}`;
  const post = (path: string, body: object) =>
    fetch(`${baseUrl}/${path}`, {
      method: "POST",
      headers: { authorization, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  return {
    ears,
    mouth,
    transcribe(file: Uint8Array<ArrayBuffer>) {
      const form = new FormData();
      form.append("model", "ears");
      form.append("file", new File([file], "a.wav"));
      return fetch(`${baseUrl}/audio/transcriptions`, { method: "POST", headers: { authorization }, body: form });
    },
    speak: (input: string) =>
      post("audio/speech", { model: "mouth", input, voice: "alloy", response_format: "wav", stream_format: "audio" }),
    async chat() {
      const messages = [{ role: "user", content: "hello" }];
      const response = await post("chat/completions", {
        model: "words",
        messages,
        stream: true,
        temperature: 0,
        seed: 1,
      });
      return response.text();
    },
    async readMetric(name: string) {
      const text = await (await fetch(new URL("/metrics", baseUrl))).text();
      return Number(text.split(`\nopenai_compat_${name} `)[1]?.split("\n")[0]);
    },
    /** What the account has paid, by request id; fails while something is held. */
    async readPaid() {
      const paid = new Map<string, number>();
      await vi.waitFor(async () => {
        paid.clear();
        for (const entry of await stores.credits.listEntries({ accountId: "ada", limit: 1000 })) {
          if (entry.kind === "usage") paid.set(entry.requestId, 0 - entry.amount);
        }
        const sum = [...paid.values()].reduce((total, amount) => total + amount, 0);
        expect(await stores.credits.readBalance("ada")).toEqual({ balance: GRANTED - sum, held: 0 });
      }, WAIT);
      return paid;
    },
  };
}

/** Its text, without what is different each time. */
const readText = (stream: string) => [...stream.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text).join("");

test("a killed transcription gets one error and costs nothing, and those in the queue and later ones are served", async () => {
  const { ears, transcribe, chat, readMetric, readPaid } = await start();
  const undisturbed = await chat();
  const running = transcribe(LONG);
  await vi.waitFor(() => expect(ears.pids).toHaveLength(1), WAIT);
  const queued = Array.from({ length: 4 }, () => transcribe(SHORT));
  await vi.waitFor(async () => expect(await readMetric('queue_waiting{model="ears"}')).toBe(4), WAIT);
  expect(await readMetric('queue_running{model="ears"}')).toBe(1);
  const chatting = chat();
  process.kill(ears.pids[0] ?? 0, "SIGKILL");

  const failed = await running;
  expect(failed.status).toBe(500);
  expect(await failed.json()).toMatchObject(LOST);
  const served = [...(await Promise.all(queued)), await transcribe(SHORT)];
  for (const answer of served) {
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ text: expect.stringMatching(/./) });
  }
  const stream = await chatting;
  expect(readText(stream)).toBe(readText(undisturbed));
  expect(stream.trimEnd().endsWith("data: [DONE]")).toBe(true);
  const paid = await readPaid();
  expect(paid.get(failed.headers.get("x-request-id") ?? "") ?? 0).toBe(0);
  for (const { headers } of served) expect(paid.get(headers.get("x-request-id") ?? "")).toBe(2);
  expect(ears.pids).toHaveLength(2);
});

test("a killed speech breaks its connection and pays for what was spoken, and the next one is served", async () => {
  const { mouth, speak, readPaid } = await start();
  const sentence = "The sea is wide and rain falls on the roof. ";
  const text = sentence.repeat(Math.floor(4096 / sentence.length));
  const broken = await speak(text);
  const reader = broken.body?.getReader();
  expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
  process.kill(mouth.pids[0] ?? 0, "SIGKILL");
  const readOn = async () => {
    for (;;) if ((await reader?.read())?.done !== false) return;
  };
  await expect(readOn()).rejects.toThrow("terminated");
  const next = await speak("The sea.");
  expect(next.status).toBe(200);
  expect((await next.arrayBuffer()).byteLength).toBeGreaterThan(1000);
  const paid = await readPaid();
  const amount = paid.get(broken.headers.get("x-request-id") ?? "") ?? 0;
  expect(amount).toBeGreaterThan(0);
  expect(amount).toBeLessThan(text.length);
  expect(paid.get(next.headers.get("x-request-id") ?? "")).toBe("The sea.".length);
});

/** @param killsMax how many of the processes that decode are killed when they are there */
function killDecoders(killsMax: number): DecoderEvent[] {
  const events: DecoderEvent[] = [];
  const killed = new Set<number>();
  configureDecoders({
    processesMax: 1,
    onEvent(event) {
      events.push(event);
      if (event.type !== "process-memory" || killed.size === killsMax || killed.has(event.pid)) return;
      killed.add(event.pid);
      process.kill(event.pid, "SIGKILL");
    },
  });
  onTestFinished(() => configureDecoders(DECODER_DEFAULTS));
  return events;
}

test("a recording whose decoder is killed is decoded by another one, and its caller doesn't notice", async () => {
  const { transcribe, readPaid } = await start();
  const events = killDecoders(1);
  const answer = await transcribe(SHORT);
  expect([answer.status, (await answer.text()).length > 0]).toEqual([200, true]);
  expect(events.filter(({ type }) => type === "process-start")).toHaveLength(2);
  expect(events).toContainEqual({ type: "lost", pid: expect.any(Number), reason: expect.stringContaining("SIGKILL") });
  expect((await readPaid()).get(answer.headers.get("x-request-id") ?? "")).toBe(2);
});

test("a recording that ends its decoder twice is refused, costs nothing, and the next one is decoded", async () => {
  const { transcribe, readPaid } = await start();
  killDecoders(2);
  const refused = await transcribe(SHORT);
  expect(refused.status).toBe(400);
  expect(await refused.json()).toMatchObject({
    error: { type: "invalid_request_error", param: "file", message: expect.stringContaining("its decoder fails") },
  });
  expect((await transcribe(SHORT)).status).toBe(200);
  expect((await readPaid()).has(refused.headers.get("x-request-id") ?? "")).toBe(false);
});
