import { createScriptedSpeechEngine, createScriptedTranscriptionEngine } from "@openai-compat/engines";
import OpenAI, { NotFoundError } from "openai";
import { afterAll, expect, test } from "vitest";
import { examineModels } from "./cli/doctor-models.ts";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { resolveModels } from "./resolve-models.ts";
import { createWave } from "./testing/create-wave.ts";
import { startTestServer } from "./testing/test-server.ts";

const models = [
  { id: "ears", type: "transcription", engine: createScriptedTranscriptionEngine(), isDefault: true },
  { id: "voice", type: "speech", engine: createScriptedSpeechEngine(), isDefault: true },
  { id: "chat", isDefault: true },
] as const;

const { server, baseUrl, keys, logLines } = await startTestServer({ models });
afterAll(() => server.close());
const client = new OpenAI({ baseURL: baseUrl, apiKey: keys.key, maxRetries: 0 });
const wave = () => new File([createWave({ seconds: 1 })], "a.wav");

test("a client that is bound to OpenAI's audio models is served by the defaults, and the log names those", async () => {
  for (const model of ["whisper-1", "gpt-4o-mini-transcribe-2025-12-15"]) {
    expect((await client.audio.transcriptions.create({ model, file: wave() })).usage).toMatchObject({ seconds: 1 });
  }
  await client.audio.translations.create({ model: "whisper-1", file: wave() });
  const spoken = await client.audio.speech.create({
    model: "gpt-4o-mini-tts",
    voice: "alloy",
    input: "Rain.",
    response_format: "wav",
  });
  expect((await spoken.arrayBuffer()).byteLength).toBeGreaterThan(44);
  await expect
    .poll(() => logLines.flatMap((line) => /"operation":"\w+".*"model":"([^"]+)"/.exec(line)?.[1] ?? []))
    .toEqual(["ears", "ears", "ears", "voice"]);
});

test("an alias is for its own type of model alone, and is in no list", async () => {
  const ask = client.chat.completions.create({ model: "whisper-1", messages: [{ role: "user", content: "Hi" }] });
  await expect(ask).rejects.toThrow(NotFoundError);
  const speak = client.audio.speech.create({ model: "whisper-1", voice: "alloy", input: "Rain." });
  await expect(speak).rejects.toThrow(NotFoundError);
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["ears", "voice", "chat"]);
  await expect(client.models.retrieve("whisper-1")).rejects.toThrow(NotFoundError);
});

test("without aliases, and with others, only what is set is known", async () => {
  for (const [aliases, known] of [
    [{}, null],
    [{ transcription: { hear: "ears" } }, "hear"],
  ] as const) {
    const other = await startTestServer({ models, config: { aliases } });
    const others = new OpenAI({ baseURL: other.baseUrl, apiKey: other.keys.key, maxRetries: 0 });
    const transcribe = (model: string) => others.audio.transcriptions.create({ model, file: wave() });
    await expect(transcribe("whisper-1")).rejects.toThrow(NotFoundError);
    if (known !== null) expect((await transcribe(known)).usage).toMatchObject({ seconds: 1 });
    await other.server.close();
  }
});

test("an alias of what is not there stops the start, and doctor says so", async () => {
  const options = { signal: new AbortController().signal, nowMs: 0 };
  const start = (config: ConfigInput) => resolveModels({ ...options, config: configSchema.parse(config) });
  const named = [{ id: "one", name: "The One", engine: { kind: "scripted" } }] as const;
  for (const target of ["One", "two"]) {
    const config = { models: [...named], aliases: { chat: { "gpt-4o": target } } };
    await expect(start(config)).rejects.toThrow(
      `"gpt-4o" means "${target}", which is no chat model: there is one, The One`,
    );
    const findings = await examineModels(configSchema.parse(config), {});
    expect(findings).toContainEqual(expect.objectContaining({ about: "aliases", status: "fail" }));
  }
  const scripted = { engines: "scripted", aliases: { speech: { "tts-1": "scripted" } } } as const;
  await expect(start(scripted)).rejects.toThrow("which is no speech model: there is scripted-speech");
  // No speech model is there, and that is no mistake of an alias.
  await expect(start({ models: [...named], aliases: { chat: { a: "one", b: "The One" } } })).resolves.toBeDefined();
  await expect(start({ models: [...named] })).resolves.toBeDefined();
  expect(configSchema.safeParse({ aliases: { audio: { a: "b" } } }).success).toBe(false);
});
