import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AiError } from "@openai-compat/core";
import { listCatalogue } from "@openai-compat/engines";
import { afterAll, expect, test } from "vitest";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { resolveModels } from "./resolve-models.ts";
import type { ResolveModelsOptions } from "./resolve-models.ts";

const directory = mkdtempSync(join(tmpdir(), "openai-compat-models-"));
afterAll(() => rmSync(directory, { recursive: true }));
const weights = join(directory, "weights.gguf");
writeFileSync(weights, "");

const resolve = (config: ConfigInput, options: Partial<ResolveModelsOptions> = {}) =>
  resolveModels({
    config: configSchema.parse(config),
    signal: new AbortController().signal,
    nowMs: 5,
    pull: async () => ({ path: weights, source: "a fake" }),
    probe: async () => ({ available: true }),
    ...options,
  });

test("without configured models, the catalogue's first of each type are the defaults", async () => {
  const { models, summary } = await resolve({});
  expect(models).toMatchObject([
    { id: "smollm2-135m-instruct", type: "chat", isDefault: true, ownedBy: "local", createdAtMs: 5 },
    { id: "all-minilm-l6-v2", type: "embedding", isDefault: true, ownedBy: "local", contextTokens: 512 },
  ]);
  expect(summary).toContain("a fake");
});

test("an embedding model that can't be had is left out, and the reason is told", async () => {
  const { models, summary } = await resolve(
    {},
    {
      pull: async (entry) => {
        if (entry.type === "embedding") throw new AiError("engine_unavailable", "Nothing answered.");
        return { path: weights, source: "a fake" };
      },
    },
  );
  expect(models.map(({ id }) => id)).toEqual(["smollm2-135m-instruct"]);
  expect(summary).toContain("Nothing answered.");
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
      contextTokens: 128,
      engine: { isTruncatable: true, limits: { concurrency: 3 } },
    },
  ]);
});

test("asked for the scripted engine, nothing is pulled and the owner says so", async () => {
  const pull = () => Promise.reject(new Error("must not pull"));
  const { models } = await resolve({ engines: "scripted" }, { pull });
  expect(models).toMatchObject([
    { id: "scripted", type: "chat", ownedBy: "scripted", isDefault: true },
    { id: "scripted-embedding", type: "embedding", ownedBy: "scripted", isDefault: true },
  ]);
});

test("a model that can't be had is replaced by the scripted engine, and the reason is told", async () => {
  const pull = () => Promise.reject(new AiError("engine_unavailable", "Nothing answered."));
  const { models, summary } = await resolve({}, { pull });
  expect(models.map(({ ownedBy }) => ownedBy)).toEqual(["scripted", "scripted"]);
  expect(summary).toContain("Nothing answered.");
});

test("without the native library no model is pulled", async () => {
  const pull = () => Promise.reject(new Error("must not pull"));
  const { models, summary } = await resolve(
    {},
    { pull, probe: async () => ({ available: false, reason: "the package node-llama-cpp is not installed." }) },
  );
  expect(models.map(({ ownedBy }) => ownedBy)).toEqual(["scripted", "scripted"]);
  expect(summary).toContain("node-llama-cpp");
});

test("a pull that was stopped does not fall back", async () => {
  const pull = () => Promise.reject(new AiError("cancelled", "Stopped."));
  await expect(resolve({}, { pull, signal: AbortSignal.abort(new Error("stop")) })).rejects.toThrow("stop");
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
    { id: "b", name: "Bee", isDefault: true, contextTokens: 512, engine: { limits: { concurrency: 3 } } },
  ]);
});

test("a single configured model is the default", async () => {
  const { models } = await resolve({ models: [{ id: "a", engine: { kind: "scripted" } }] });
  expect(models).toMatchObject([{ isDefault: true }]);
});

test("a configured model that is neither file nor in the catalogue stops the start", async () => {
  const models = [{ id: "a", engine: { kind: "llama" as const, model: "nope" } }];
  await expect(resolve({ models })).rejects.toThrow(/neither a file nor a model/);
});

test("a configured model that can't be pulled stops the start", async () => {
  const models = [{ id: "a", engine: { kind: "llama" as const, model: listCatalogue()[0]?.id ?? "" } }];
  const pull = () => Promise.reject(new AiError("engine_unavailable", "Nothing answered."));
  await expect(resolve({ models }, { pull })).rejects.toThrow("Nothing answered.");
});
