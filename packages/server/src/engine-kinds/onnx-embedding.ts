/** The engine kind `onnx-embedding`: local sentence encoders of the catalogue, run by ONNX Runtime. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  createOnnxEmbeddingEngine,
  estimateOnnxEmbeddingBytes,
  findCachedModel,
  isOnnxEmbeddingEntry,
  listCatalogue,
} from "@openai-compat/engines";
import type { OnnxEmbeddingEntry } from "@openai-compat/engines";
import { z } from "zod";
import type { TimedFinding } from "../cli/doctor-finding.ts";
import { describeCommand } from "../cli/invocation.ts";
import { ConfigError } from "../config-error.ts";
import { settingMarks } from "../settings/marks.ts";
import { count } from "../settings/units.ts";
import type { ConfiguredModel, EngineHost, EngineKind, PulledFile } from "./engine-kind.ts";
import { findOnnxLibraryProblem } from "./onnx-models.ts";

/** A model that is named by its file, and not by its id in the catalogue. */
function isModelPath(model: string): boolean {
  return /[/\\]|\.safetensors$/i.test(model);
}

const settings = z.strictObject({
  kind: z.literal("onnx-embedding").describe("A local sentence encoder (BERT), run by ONNX Runtime."),
  model: z
    .string()
    .min(1)
    .describe("A catalogue id, or the path of a file that a pull converted.")
    .register(settingMarks, { isPath: isModelPath }),
  contextTokens: count.optional().describe("The longest input; default: what the model was trained for."),
  concurrency: count.max(256).optional().describe("Calls side by side; their texts share batches. Default 16."),
  threads: count.max(1024).optional().describe("CPU threads; default: cores minus one, up to 4."),
  batchTokens: count
    .max(65_536)
    .optional()
    .describe("Tokens that are computed at once, padding included; a longer text is computed alone. Default 320."),
  truncatableVectors: z
    .boolean()
    .default(false)
    .describe("Whether the model was trained for fewer `dimensions` (Matryoshka)."),
});

type OnnxEmbeddingModel = ConfiguredModel<z.output<typeof settings>>;

export const onnxEmbeddingKind = {
  kind: "onnx-embedding",
  label: "ONNX Runtime",
  ownedBy: "local",
  types: ["embedding"],
  settings,
  listFiles: ({ model }) => (findEntry(model) === undefined ? [model] : []),
  findType: () => "embedding",
  requirement: { about: "onnx library", library: "onnx", findProblem: findOnnxLibraryProblem },
  async createEngine({ id, engine }, host) {
    const { path, source } = await locateFile(engine.model, host);
    const created = createOnnxEmbeddingEngine({ ...mapSettings(engine, path), loading: host.loadingOf(id) });
    return { engine: created, source };
  },
  examine: async (model) => [await examineFile(model)],
  async estimateBytes({ engine }) {
    const modelPath = await findFile(engine.model);
    return modelPath === null ? null : estimateOnnxEmbeddingBytes(mapSettings(engine, modelPath));
  },
  nameModel(text: string) {
    if (findEntry(text) === undefined) return null;
    return { id: text, engine: { kind: "onnx-embedding" as const, model: text } };
  },
} satisfies EngineKind<z.output<typeof settings>>;

function mapSettings(
  { kind: _kind, model, contextTokens, ...common }: OnnxEmbeddingModel["engine"],
  modelPath: string,
) {
  return { ...common, modelPath, contextTokens: contextTokens ?? findEntry(model)?.contextTokens };
}

function listEntries(): readonly OnnxEmbeddingEntry[] {
  return listCatalogue().filter(isOnnxEmbeddingEntry);
}

function findEntry(model: string): OnnxEmbeddingEntry | undefined {
  return listEntries().find(({ id }) => id === model);
}

/** @returns null for a file that is not there, or not pulled yet */
async function findFile(model: string): Promise<string | null> {
  if (findEntry(model) !== undefined) return (await findCachedModel(model))?.path ?? null;
  return existsSync(model) ? model : null;
}

async function locateFile(model: string, { pull, signal }: EngineHost): Promise<PulledFile> {
  const entry = findEntry(model);
  if (entry !== undefined) return pull(entry, signal);
  if (existsSync(model)) return { path: model, source: model };
  const known = listEntries().map(({ id }) => id);
  const tried = isModelPath(model) ? resolve(model) : model;
  throw new ConfigError(
    `"${tried}" is neither a file nor a sentence encoder of the catalogue. The catalogue has ${known.join(", ")}.`,
  );
}

async function examineFile({ id, engine: { model } }: OnnxEmbeddingModel): Promise<TimedFinding> {
  const about = `model ${id}`;
  if ((await findFile(model)) !== null) {
    const place = findEntry(model) === undefined ? "there" : "in the cache";
    return { about, status: "ok", message: `${model} is ${place}` };
  }
  if (findEntry(model) === undefined) {
    return { about, status: "fail", message: `${resolve(model)} is neither a file nor in the catalogue` };
  }
  const message = `the first start downloads it: ${describeCommand(`models pull ${model}`)}`;
  return { about, status: "warn", message };
}
