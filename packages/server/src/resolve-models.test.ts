import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AiError, MODEL_TYPES } from "@openai-compat/core";
import { listCatalogue } from "@openai-compat/engines";
import { writeRandomModel } from "@openai-compat/engines/testing";
import { afterAll, expect, test } from "vitest";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { resolveModels } from "./resolve-models.ts";
import type { ResolveModelsOptions } from "./resolve-models.ts";

const directory = mkdtempSync(join(tmpdir(), "openai-compat-models-"));
afterAll(() => rmSync(directory, { recursive: true }));
const weights = join(directory, "weights.gguf");
await writeRandomModel(weights);
const AMPLE = { diskBytes: 10 ** 12, memoryBytes: null };

const resolve = (config: ConfigInput, options: Partial<ResolveModelsOptions> = {}) =>
  resolveModels({
    config: configSchema.parse(config),
    signal: new AbortController().signal,
    nowMs: 5,
    pull: async () => ({ path: weights, source: "a fake" }),
    findProblem: async () => null,
    capacity: AMPLE,
    ...options,
  });

test("without configured models, the catalogue's best of each type are the defaults", async () => {
  const { models, summary } = await resolve({});
  expect(models).toMatchObject([
    { id: "qwen2.5-coder-0.5b-instruct", type: "chat", isDefault: true, ownedBy: "local", createdAtMs: 5 },
    {
      id: "all-minilm-l6-v2",
      type: "embedding",
      isDefault: true,
      ownedBy: "local",
      engine: { limits: { contextTokens: 512 } },
    },
    { id: "whisper-tiny.en", type: "transcription", isDefault: true },
    { id: "hibari", type: "speech", isDefault: true },
  ]);
  expect(summary).toBe(
    "Serving Qwen2.5-Coder 0.5B Instruct (qwen2.5-coder-0.5b-instruct) from a fake.\n" +
      "Serving all-MiniLM-L6-v2 (all-minilm-l6-v2) from a fake.\n" +
      "Serving Whisper tiny.en (whisper-tiny.en) from a fake.\n" +
      "Serving hibari (hibari) from a fake.",
  );
  expect(summary).not.toContain("demonstration");
});

const SMOL = "smollm2-135m-instruct";
const AUDIO = ["whisper-tiny.en", "hibari"];

test("where only the demonstration model can be had it serves, is called so, and the reason is printed", async () => {
  const pull: ResolveModelsOptions["pull"] = async ({ id }) => {
    if (id.startsWith("qwen")) throw new AiError("engine_unavailable", "Nothing answered.");
    return { path: weights, source: "a fake" };
  };
  const { models, summary } = await resolve({}, { pull });
  expect(models.map(({ id }) => id)).toEqual([SMOL, "all-minilm-l6-v2", ...AUDIO]);
  expect(summary).toMatch(
    /SmolLM2 135M Instruct \(smollm2-135m-instruct\), a demonstration model, from a fake\. .*Nothing answered/,
  );
});

test("a model that memory has no room for is not pulled", async () => {
  const pulled: string[] = [];
  const pull: ResolveModelsOptions["pull"] = async ({ id }) => {
    pulled.push(id);
    return { path: weights, source: "a fake" };
  };
  const { summary } = await resolve({}, { pull, capacity: { diskBytes: 10 ** 12, memoryBytes: 1_000_000_000 } });
  expect(pulled).toEqual([SMOL, "all-minilm-l6-v2", "whisper-tiny.en", "silero-vad", "hibari"]);
  expect(summary).toMatch(/Qwen2\.5-Coder 0\.5B Instruct needs \d{4} MB of memory, and 1000 MB are available\./);
});

test("small engines are the smallest of the catalogue", async () => {
  const { models } = await resolve({ engines: "small" });
  expect(models.map(({ id }) => id)).toEqual([SMOL, "all-minilm-l6-v2", ...AUDIO]);
});

test("without the library that speech runs on, only what needs it is left out, and the reason is reported", async () => {
  const findProblem = async ({ kind }: { readonly kind: string }) =>
    kind === "llama" ? null : "onnxruntime-node is not installed.";
  const { models, summary } = await resolve({}, { findProblem });
  expect(models.map(({ type }) => type)).toEqual(["chat", "embedding"]);
  expect(summary).toMatch(/Serving no transcription model: onnx.*\nServing no speech model: onnx/);
});

test("models that are named alone keep the catalogue's id and type, or take the file's name", async () => {
  const { models } = await resolve({ models: ["all-minilm-l6-v2", weights] });
  expect(models).toMatchObject([
    { id: "all-minilm-l6-v2", type: "embedding", isDefault: true },
    { id: "weights", type: "chat", isDefault: true },
  ]);
});

const cut = join(directory, "cut.gguf");
writeFileSync(cut, readFileSync(weights).subarray(0, -100_000));

test.each([
  [import.meta.filename, "is not a GGUF file"],
  [directory, "is not a file"],
  [cut, "is incomplete"],
])("the file %s stops the start and says why", async (file, problem) => {
  await expect(resolve({ models: [file] })).rejects.toThrow(`${file} ${problem}`);
});

test("a default model whose cached file is damaged is replaced by the next one, and the reason is printed", async () => {
  const pull: ResolveModelsOptions["pull"] = async ({ id }) => ({
    path: id.startsWith("qwen") ? cut : weights,
    source: "a fake",
  });
  const { models, summary } = await resolve({}, { pull });
  expect(models.map(({ id }) => id)).toEqual([SMOL, "all-minilm-l6-v2", ...AUDIO]);
  expect(summary).toContain(`${cut} is incomplete`);
});

test("an embedding model that can't be had is left out, and the reason is reported", async () => {
  const { models, summary } = await resolve(
    {},
    {
      pull: async (entry) => {
        if (entry.type === "embedding") throw new AiError("engine_unavailable", "Nothing answered.");
        return { path: weights, source: "a fake" };
      },
    },
  );
  expect(models.map(({ id }) => id)).toEqual(["qwen2.5-coder-0.5b-instruct", ...AUDIO]);
  expect(summary).toContain("Nothing answered.");
});

const EMBEDDING_FAULT = {
  pull: async ({ id }: { readonly id: string }) => {
    if (id === "all-minilm-l6-v2") throw new AiError("engine_unavailable", "Nothing answered.");
    return { path: weights, source: "a fake" };
  },
};

test("where the default embedding model can't be had, the one for the other library takes its place", async () => {
  const { models } = await resolve({}, EMBEDDING_FAULT);
  expect(models.find(({ type }) => type === "embedding")).toMatchObject({ id: "all-minilm-l6-v2-int8" });
});

test("where no embedding model can be had, the reason of each is reported, and one that they share once", async () => {
  const findProblem = async ({ kind }: { readonly kind: string }) =>
    kind === "llama" ? null : "onnxruntime-node is not installed.";
  const { summary } = await resolve({}, { ...EMBEDDING_FAULT, findProblem });
  expect(summary).toContain("Serving no embedding model: Nothing answered. onnxruntime-node is not installed.\n");
});

test("a configured llama model can be an embedding model", async () => {
  const engine = {
    kind: "llama" as const,
    model: weights,
    contextTokens: 128,
    concurrency: 3,
    truncatableVectors: true,
  };
  const { models } = await resolve({ models: [{ id: "e", type: "embedding", engine }] });
  expect(models).toMatchObject([
    {
      id: "e",
      type: "embedding",
      isDefault: true,
      engine: { isTruncatable: true, limits: { contextTokens: 128, concurrency: 3 } },
    },
  ]);
});

test("asked for the scripted engine, nothing is pulled and the owner says so", async () => {
  const pull = () => Promise.reject(new Error("must not pull"));
  const { models } = await resolve({ engines: "scripted" }, { pull });
  expect(models).toMatchObject([
    { id: "scripted", type: "chat", ownedBy: "scripted", isDefault: true },
    { id: "scripted-embedding", type: "embedding", ownedBy: "scripted", isDefault: true },
    { id: "scripted-transcription", type: "transcription", ownedBy: "scripted", isDefault: true },
    { id: "scripted-speech", type: "speech", ownedBy: "scripted", isDefault: true },
  ]);
});

test("a model that can't be had is replaced by the scripted engine, and the reason is reported", async () => {
  const pull = () => Promise.reject(new AiError("engine_unavailable", "Nothing answered."));
  const { models, summary } = await resolve({}, { pull });
  expect(models.map(({ ownedBy }) => ownedBy)).toEqual(MODEL_TYPES.map(() => "scripted"));
  expect(summary).toContain("Nothing answered.");
});

test("without the native library no model is pulled", async () => {
  const pull = () => Promise.reject(new Error("must not pull"));
  const { models, summary } = await resolve(
    {},
    { pull, findProblem: async () => "the package node-llama-cpp is not installed." },
  );
  expect(models.map(({ ownedBy }) => ownedBy)).toEqual(MODEL_TYPES.map(() => "scripted"));
  expect(summary).toContain("node-llama-cpp");
});

test("a pull that was stopped does not fall back", async () => {
  const pull = () => Promise.reject(new AiError("cancelled", "Stopped."));
  await expect(resolve({}, { pull, signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("Stopped.");
});

test("configured models keep their order, names and limits", async () => {
  const { models } = await resolve({
    queue: { waitingMax: 7 },
    models: [
      { id: "a", engine: { kind: "scripted" } },
      {
        id: "b",
        name: "Bee",
        engine: { kind: "llama", model: weights, contextTokens: 512, concurrency: 3 },
        default: true,
      },
    ],
  });
  expect(models).toMatchObject([
    { id: "a", name: "a", isDefault: false, queue: { waitingMax: 7, waitTimeMsMax: 120_000, accountSlotsMax: null } },
    { id: "b", name: "Bee", isDefault: true, engine: { limits: { contextTokens: 512, concurrency: 3 } } },
  ]);
});

test("a single configured model is the default", async () => {
  const { models } = await resolve({ models: [{ id: "a", engine: { kind: "scripted" } }] });
  expect(models).toMatchObject([{ isDefault: true }]);
});

test("a configured model that is neither file nor in the catalogue stops the start", async () => {
  const models = [{ id: "a", engine: { kind: "llama" as const, model: "nope" } }];
  await expect(resolve({ models })).rejects.toThrow(
    /"nope" is neither a file nor a model .* has qwen2.5-coder-0.5b-instruct, .* path of its GGUF file/,
  );
});

test("a configured model that can't be pulled stops the start", async () => {
  const models = [{ id: "a", engine: { kind: "llama" as const, model: listCatalogue()[0]?.id ?? "" } }];
  const pull = () => Promise.reject(new AiError("engine_unavailable", "Nothing answered."));
  await expect(resolve({ models }, { pull })).rejects.toThrow("Nothing answered.");
});

test("a model's recommended sampling is the setting's, else the catalogue's", async () => {
  const engine = { kind: "llama" as const, model: "qwen2.5-coder-0.5b-instruct" };
  const { models } = await resolve({
    models: [
      { id: "a", engine, default: true },
      { id: "b", engine: { ...engine, sampling: { temperature: 1.5, topK: 0 } } },
      { id: "c", engine: { kind: "llama", model: weights, sampling: { minP: 0.1 } } },
    ],
  });
  expect(models.map((model) => model.engine.type === "chat" && model.engine.recommendedSampling)).toEqual([
    { temperature: 0.7, topP: 0.8, topK: 20, repeatPenalty: 1.1 },
    { temperature: 1.5, topP: 0.8, topK: 0, repeatPenalty: 1.1 },
    { minP: 0.1 },
  ]);
});
