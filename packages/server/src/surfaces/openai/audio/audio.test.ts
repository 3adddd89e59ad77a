/** Transcriptions, translations and speech on local engines: from the request to the bytes of the answer. */

import { FREE_OF_CHARGE } from "@openai-compat/core";
import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import {
  createSpeechResponseStreamEventSchema,
  createTranscriptionResponseJsonSchema,
  createTranscriptionResponseStreamEventSchema,
  createTranscriptionResponseVerboseJsonSchema,
} from "@openai-compat/spec";
import { expect, test } from "vitest";
import { createWave } from "../../../testing/create-wave.ts";
import { createMemoryStores } from "../../../stores/memory.ts";
import { createTestApp, readSseData } from "../../../testing/test-server.ts";

const { post, request } = await createTestApp({
  models: [
    { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
    { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
  ],
});

const TEXT = "The sea is wide. Rain falls on the roof!";

async function speak(fields: object = {}): Promise<Response> {
  return post("/v1/audio/speech", { model: "voice", input: TEXT, voice: "alloy", response_format: "wav", ...fields });
}

const spoken = new Uint8Array(await (await speak()).arrayBuffer());

type Fields = readonly (readonly [name: string, value: string])[];

interface SentForm {
  readonly operation?: "transcriptions" | "translations";
  readonly bytes?: Uint8Array<ArrayBuffer>;
}

async function listen(fields: Fields = [], { operation = "transcriptions", bytes = spoken }: SentForm = {}) {
  const form = new FormData();
  form.append("file", new File([bytes], "a.wav"));
  if (!fields.some(([name]) => name === "model")) form.append("model", "ears");
  for (const [name, value] of fields) form.append(name, value);
  return request(`/v1/audio/${operation}`, { method: "POST", body: form });
}

test("a text is spoken as WAV, and what was spoken is transcribed", async () => {
  const response = await speak();
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("audio/wav");
  expect(Buffer.from(spoken.subarray(0, 4)).toString()).toBe("RIFF");
  const heard = await listen();
  expect(heard.headers.get("content-type")).toBe("application/json");
  const seconds = Math.ceil((spoken.length - 44) / 48_000);
  expect(await heard.json()).toEqual({ text: TEXT, usage: { type: "duration", seconds } });
});

test("samples alone are what stands behind the header of the WAV file", async () => {
  const response = await speak({ response_format: "pcm" });
  expect(response.headers.get("content-type")).toBe("audio/pcm");
  expect(new Uint8Array(await response.arrayBuffer())).toEqual(spoken.subarray(44));
});

test("speech as events has the same bytes as without, and ends with its usage", async () => {
  const response = await speak({ stream_format: "sse" });
  expect(response.headers.get("content-type")).toMatch(/^text\/event-stream/);
  const events = (await readSseData(response)).map((data) =>
    createSpeechResponseStreamEventSchema.parse(JSON.parse(data)),
  );
  const pieces = events.flatMap((event) => ("audio" in event ? [Buffer.from(event.audio, "base64")] : []));
  expect(Buffer.concat(pieces).equals(spoken)).toBe(true);
  expect(pieces.length).toBe(events.length - 1);
  expect(events.at(-1)).toMatchObject({ type: "speech.audio.done", usage: { input_tokens: expect.any(Number) } });
});

test("a streamed transcription has deltas that join to the text of its last event", async () => {
  const data = await readSseData(await listen([["stream", "true"]]));
  expect(data.at(-1)).toBe("[DONE]");
  const events = data
    .slice(0, -1)
    .map((event) => createTranscriptionResponseStreamEventSchema.parse(JSON.parse(event)));
  const deltas = events.flatMap((event) => ("delta" in event ? [event.delta] : []));
  expect(deltas.length).toBeGreaterThan(2);
  expect(deltas.join("")).toBe(TEXT);
  expect(events.at(-1)).toMatchObject({ type: "transcript.text.done", text: TEXT });
});

test("silence has an empty text", async () => {
  const heard = await listen([], { bytes: createWave({ seconds: 2 }) });
  expect(await heard.json()).toEqual({ text: "", usage: { type: "duration", seconds: 2 } });
});

const TASKS = { transcriptions: "transcribe", translations: "translate" };

test.each(["transcriptions", "translations"] as const)("%s are written in every format", async (operation) => {
  const ask = async (format: string, ...more: Fields) => {
    const response = await listen([["response_format", format], ...more], { operation });
    expect(response.headers.get("content-type")).toMatch(
      format.endsWith("json") ? /^application\/json$/ : /^text\/plain/,
    );
    return response.text();
  };
  expect(await ask("text")).toBe(`${TEXT}\n`);
  expect(await ask("srt")).toMatch(
    /^1\n00:00:00,000 --> 00:00:01,\d{3}\nThe sea is wide\.\n\n2\n00:00:01,\d{3} --> 00:00:0\d,\d{3}\nRain falls on the roof!\n\n$/,
  );
  expect(await ask("vtt")).toMatch(/^WEBVTT\n\n00:00:00\.000 --> 00:00:01\.\d{3}\nThe sea is wide\.\n\n00:/);
  const verbose = JSON.parse(await ask("verbose_json"));
  expect(verbose).toMatchObject({ task: TASKS[operation], language: "english" });
  expect(verbose.text).toBe(TEXT);
  expect(verbose.duration).toBeCloseTo((spoken.length - 44) / 48_000, 2);
  expect(verbose.segments.map(({ text }: { text: string }) => text)).toEqual([
    "The sea is wide.",
    " Rain falls on the roof!",
  ]);
  expect(verbose.words).toBeUndefined();
});

test.each([
  [[], true, false],
  [[["timestamp_granularities[]", "segment"]], true, false],
  [[["timestamp_granularities[]", "word"]], false, true],
  [[["timestamp_granularities", "word"]], false, true],
  [
    [
      ["timestamp_granularities[]", "word"],
      ["timestamp_granularities[]", "segment"],
    ],
    true,
    true,
  ],
] as const)("with %j segments come: %s, words come: %s", async (granularities, hasSegments, hasWords) => {
  const response = await listen([["response_format", "verbose_json"], ...granularities]);
  const answer = createTranscriptionResponseVerboseJsonSchema.parse(await response.json());
  expect(answer.segments !== undefined).toBe(hasSegments);
  expect(answer.words?.map(({ word }) => word)).toEqual(hasWords ? TEXT.split(" ") : undefined);
});

test("probabilities of tokens come where they were asked for, whole and in a stream", async () => {
  const answer = await listen([["include[]", "logprobs"]]);
  const { logprobs } = createTranscriptionResponseJsonSchema.parse(await answer.json());
  const bytes = logprobs?.flatMap((token) => token.bytes ?? []) ?? [];
  expect(Buffer.from(bytes).toString()).toBe(TEXT);
  const data = await readSseData(
    await listen([
      ["include[]", "logprobs"],
      ["stream", "True"],
    ]),
  );
  const events = data.slice(0, -1).map((event) => JSON.parse(event));
  expect(events.flatMap((event) => (event.type.endsWith("delta") ? event.logprobs : []))).toEqual(logprobs);
  expect(events.at(-1).logprobs).toEqual(logprobs);
  expect(await (await listen()).json()).not.toHaveProperty("logprobs");
});

test.each([
  ["en", "english"],
  ["English", "english"],
  ["en-US", "english"],
  ["de", "german"],
  ["JAPANESE", "japanese"],
])("the language %s is spoken as %s", async (language, name) => {
  const response = await listen([
    ["language", language],
    ["response_format", "verbose_json"],
  ]);
  expect(await response.json()).toMatchObject({ language: name });
});

const REFUSED: readonly (readonly [fields: Fields, param: string, status?: number])[] = [
  [[["language", "xx"]], "language"],
  [[["languages[]", "xx"]], "language"],
  [
    [
      ["language", "en"],
      ["languages[]", "de"],
    ],
    "languages",
  ],
  [[["response_format", "mp3"]], "response_format"],
  [[["response_format", "diarized_json"]], "response_format"],
  [[["temperature", "1.5"]], "temperature"],
  [[["temperature", "warm"]], "temperature"],
  [[["stream", "maybe"]], "stream"],
  [[["timestamp_granularities[]", "word"]], "timestamp_granularities"],
  [
    [
      ["timestamp_granularities[]", "letter"],
      ["response_format", "verbose_json"],
    ],
    "timestamp_granularities[0]",
  ],
  [
    [
      ["include[]", "logprobs"],
      ["response_format", "text"],
    ],
    "include",
  ],
  [[["include[]", "everything"]], "include[0]"],
  [[["chunking_strategy", "manual"]], "chunking_strategy"],
  [[["chunking_strategy[type]", "none"]], "chunking_strategy.type"],
  [[["known_speaker_names[]", "Ada"]], "known_speaker_names"],
  [
    [
      ["stream", "true"],
      ["response_format", "srt"],
    ],
    "response_format",
  ],
  [[["model", "voice"]], "model"],
  [[["model", "nobody"]], "model", 404],
  [[["model", ""]], "model"],
];

test.each(REFUSED.map(([fields, param, status = 400]) => ({ fields, param, status })))(
  "a transcription with $fields is refused at $param",
  async ({ fields, param, status }) => {
    const response = await listen(fields);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { param, type: "invalid_request_error" } });
  },
);

test.each(["", "prompt", "keywords[]", "chunking_strategy", "temperature", "unknown"])(
  "a transcription with the field %s is answered",
  async (name) => {
    const values: Record<string, string> = { chunking_strategy: "auto", temperature: "0.5" };
    const response = await listen(name === "" ? [["language", ""]] : [[name, values[name] ?? "the sea"]]);
    expect(await response.json()).toMatchObject({ text: TEXT });
  },
);

test.each([
  ["text where audio is expected", new TextEncoder().encode("no audio")],
  ["an empty file", new Uint8Array(0)],
])("%s is refused at the file", async (_what, bytes) => {
  const response = await listen([], { bytes });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { param: "file" } });
});

test("a form without a file, or with a text in its place, is refused at the file", async () => {
  for (const file of [null, "RIFF"]) {
    const form = new FormData();
    form.append("model", "ears");
    if (file !== null) form.append("file", file);
    const response = await request("/v1/audio/transcriptions", { method: "POST", body: form });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { param: "file" } });
  }
});

test.each([
  [{ voice: "nobody" }, "voice", /'scripted', 'alloy'/],
  [{ voice: { id: "nobody" } }, "voice", /'scripted'/],
  [{ voice: 3 }, "voice", /voice/],
  [{ voice: undefined }, "voice", /Missing/],
  [{ input: "" }, "input", /empty/],
  [{ input: " \n" }, "input", /empty/],
  [{ input: "x".repeat(4097) }, "input", /4096/],
  [{ input: ["a"] }, "input", /string/],
  [{ speed: 0.2 }, "speed", /0\.25/],
  [{ speed: 4.5 }, "speed", /at most 4/],
  [{ speed: "fast" }, "speed", /number/],
  [{ response_format: "ogg" }, "response_format", /'mp3'/],
  [{ stream_format: "chunks" }, "stream_format", /'sse'/],
  [{ instructions: "x".repeat(4097) }, "instructions", /4096/],
  [{ model: "ears" }, "model", /of type transcription/],
] as const)("speech with %j is refused at %s", async (fields, param, message) => {
  const response = await speak(fields);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { param, type: "invalid_request_error", message: expect.stringMatching(message) },
  });
});

test.each([{ voice: { id: "scripted" } }, { instructions: "Whisper." }, { speed: null }, { unknown: 1 }])(
  "speech with %j is answered",
  async (fields) => {
    const response = await speak(fields);
    expect(response.status).toBe(200);
    await response.body?.cancel();
  },
);

test("a faster speech is shorter and says the same", async () => {
  const fast = new Uint8Array(await (await speak({ speed: 2 })).arrayBuffer());
  expect((spoken.length - 44) / (fast.length - 44)).toBeCloseTo(2, 1);
  expect(await (await listen([], { bytes: fast })).json()).toMatchObject({ text: TEXT });
});

test("a server without such models says which setting gives it one, before it reads a body", async () => {
  const bare = await createTestApp();
  for (const [path, type] of [
    ["speech", "speech"],
    ["transcriptions", "transcription"],
    ["translations", "transcription"],
  ]) {
    const response = await bare.post(`/v1/audio/${path}`, "no JSON");
    expect(response.status).toBe(501);
    const message = expect.stringMatching(new RegExp(`"models".*"type": "${type}"`));
    expect(await response.json()).toMatchObject({ error: { message } });
  }
});

const prices = { ...FREE_OF_CHARGE, perMillionCharacters: 1_000_000, perMinuteOfAudio: 60_000 };

test("speech is charged by the character and transcriptions by the millisecond, once however they are asked for", async () => {
  const stores = createMemoryStores();
  await stores.credits.grant({ id: "g", accountId: "ada", amount: 1_000_000, note: "", nowMs: Date.now() });
  const paid = await createTestApp({
    stores,
    models: [
      { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), prices },
      { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), prices },
    ],
  });
  const balanceOf = async () => (await stores.credits.readBalance("ada")).balance;
  const chargeOf = async (ask: () => Response | Promise<Response>) => {
    const before = await balanceOf();
    const response = await ask();
    expect(response.status).toBe(200);
    await response.arrayBuffer();
    return before - (await balanceOf());
  };
  const speech = { model: "voice", input: "Größe 😀.", voice: "alloy", response_format: "pcm" };
  expect(await chargeOf(() => paid.post("/v1/audio/speech", speech))).toBe(8);
  expect(await chargeOf(() => paid.post("/v1/audio/speech", { ...speech, stream_format: "sse" }))).toBe(8);
  const transcribe = (operation: string, stream: boolean) => {
    const form = new FormData();
    form.append("file", new File([createWave({ seconds: 1.5 })], "a.wav"));
    form.append("model", "ears");
    form.append("stream", String(stream));
    return paid.request(`/v1/audio/${operation}`, { method: "POST", body: form });
  };
  for (const operation of ["transcriptions", "translations"]) {
    for (const stream of [false, true]) expect(await chargeOf(() => transcribe(operation, stream))).toBe(1500);
  }
});
