/** A server whose engines live, as it were, in another process answers as one with the same engines at hand. */

import {
  createScriptedEmbeddingEngine,
  createScriptedEngine,
  createScriptedSpeechEngine,
  createScriptedTranscriptionEngine,
} from "@openai-compat/engines";
import {
  createClonedChatEngine,
  createClonedEmbeddingEngine,
  createClonedSpeechEngine,
  createClonedTranscriptionEngine,
} from "@openai-compat/core/cloned-engine";
import { expect, test, vi } from "vitest";
import { createTestApp } from "./testing/test-server.ts";
import { createWatchedEngine } from "./testing/watched-engine.ts";

const watched = createWatchedEngine();
const { post, request } = await createTestApp({
  models: [
    { id: "near", engine: createScriptedEngine(), isDefault: true },
    { id: "cloned", engine: createClonedChatEngine(createScriptedEngine()) },
    { id: "near-words", type: "embedding", engine: createScriptedEmbeddingEngine() },
    { id: "cloned-words", type: "embedding", engine: createClonedEmbeddingEngine(createScriptedEmbeddingEngine()) },
    { id: "near-voice", type: "speech", engine: createScriptedSpeechEngine() },
    { id: "cloned-voice", type: "speech", engine: createClonedSpeechEngine(createScriptedSpeechEngine()) },
    { id: "near-ears", type: "transcription", engine: createScriptedTranscriptionEngine() },
    {
      id: "cloned-ears",
      type: "transcription",
      engine: createClonedTranscriptionEngine(createScriptedTranscriptionEngine()),
    },
    { id: "watched", engine: createClonedChatEngine(watched) },
  ],
});

/** Without what differs from answer to answer. */
async function answerOf(path: string, body: object) {
  const response = await post(path, body);
  const text = await response.text();
  return { status: response.status, text: text.replaceAll(/"(id|created|model)":\s*("[^"]*"|\d+),?/g, "") };
}

const messages = [{ role: "user", content: "Is it raining? And travel there." }];
const journey = {
  type: "object",
  properties: { by: { enum: ["zeppelin", "handcar"] }, stops: { type: "integer" } },
  required: ["by", "stops"],
  additionalProperties: false,
};
const travel = { type: "function", function: { name: "travel", parameters: journey, strict: true } };
const bodies: readonly (readonly [string, string, object])[] = [
  ["a chat of several choices", "chat/completions", { messages, n: 3, seed: 7, logprobs: true, top_logprobs: 2 }],
  [
    "a streamed chat",
    "chat/completions",
    { messages, n: 2, seed: 7, stream: true, stream_options: { include_usage: true } },
  ],
  ["a call of a tool", "chat/completions", { messages, tools: [travel], tool_choice: "required", seed: 7 }],
  [
    "an answer with a schema",
    "chat/completions",
    {
      messages,
      n: 2,
      seed: 7,
      response_format: { type: "json_schema", json_schema: { name: "journey", schema: journey, strict: true } },
    },
  ],
  [
    "the best of several completions, with the echo of their prompts",
    "completions",
    { prompt: ["The sea", "The rain"], best_of: 3, n: 2, echo: true, logprobs: 2, seed: 7 },
  ],
  ["embeddings", "embeddings", { input: ["The sea is wide.", "Rain."] }],
  ["a chat that is too long", "chat/completions", { messages: [{ role: "user", content: "word ".repeat(5000) }] }],
  [
    "a chat that is too long before its schema is refused",
    "chat/completions",
    {
      messages: [{ role: "user", content: "word ".repeat(5000) }],
      response_format: { type: "json_schema", json_schema: { name: "a", schema: { not: {} }, strict: true } },
    },
  ],
  [
    "a schema that can't be enforced",
    "chat/completions",
    {
      messages,
      response_format: { type: "json_schema", json_schema: { name: "a", schema: { not: {} }, strict: true } },
    },
  ],
  ["a token that can't be biased", "chat/completions", { messages, logit_bias: { 99999999999: 5 } }],
  ["a token that can't be biased, in a completion", "completions", { prompt: "a", logit_bias: { 99999999999: 5 } }],
  ["an input of tokens that the model does not have", "embeddings", { input: [[2 ** 40]] }],
];

test.each(bodies)("%s is the same from an engine behind clones", async (_title, path, body) => {
  const suffix = path === "embeddings" ? "-words" : "";
  const [near, cloned] = await Promise.all(
    ["near", "cloned"].map((model) => answerOf(`/v1/${path}`, { ...body, model: `${model}${suffix}` })),
  );
  expect(cloned).toEqual(near);
  expect(near?.text.length).toBeGreaterThan(20);
});

const speech = { input: "The sea is wide. Rain.", voice: "alloy", response_format: "wav" };

async function speakWith(model: string): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await (await post("/v1/audio/speech", { ...speech, model })).arrayBuffer());
}

test("speech is the same from an engine behind clones, and so is what a transcription makes of it", async () => {
  const [near, cloned] = await Promise.all([speakWith("near-voice"), speakWith("cloned-voice")]);
  expect(cloned).toEqual(near);
  const transcripts = ["near-ears", "cloned-ears"].map(async (model) => {
    const form = new FormData();
    form.append("file", new File([near], "a.wav"));
    for (const [name, value] of Object.entries({ model, response_format: "verbose_json" })) form.append(name, value);
    form.append("timestamp_granularities[]", "word");
    return (await request("/v1/audio/transcriptions", { method: "POST", body: form })).text();
  });
  const [heard, heardBehindClones] = await Promise.all(transcripts);
  expect(heard).toContain("The sea is wide. Rain.");
  expect(heardBehindClones).toBe(heard);
});

test("a client that disconnects in the middle of its stream ends the generation behind clones", async () => {
  const response = await post("/v1/chat/completions", { model: "watched", messages, stream: true });
  const reader = response.body?.getReader();
  for (let chunk = 0; chunk < 5; chunk += 1) await reader?.read();
  expect(watched.running()).toBe(1);
  await reader?.cancel();
  await vi.waitFor(() => expect(watched.running()).toBe(0));
});
