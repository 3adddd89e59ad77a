/** The engine kind `llama`: local models, run by llama.cpp. */

import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";
import type { RecommendedSampling } from "@openai-compat/core";
import {
  createLocalEngine,
  estimateLocalBytes,
  examineGguf,
  findCachedModel,
  isLlamaEntry,
  listCatalogue,
  probeLlama,
} from "@openai-compat/engines";
import type { LlamaEntry, LocalModel } from "@openai-compat/engines";
import { z } from "zod";
import type { TimedFinding } from "../cli/doctor-finding.ts";
import { describeCommand, describeLibraryInstall } from "../cli/invocation.ts";
import { ConfigError } from "../config-error.ts";
import { settingMarks } from "../settings/marks.ts";
import { count, countFromZero, milliseconds } from "../settings/units.ts";
import type { ConfiguredModel, EngineHost, EngineKind, PulledFile } from "./engine-kind.ts";

/** A model that is named by its file, and not by its id in the catalogue. */
export function isModelPath(model: string): boolean {
  return /[/\\]|\.gguf$/i.test(model) || model === "~";
}

/** Of those that the request can give too, in the same ranges. */
const samplingSchema = z.strictObject({
  temperature: z.number().min(0).max(2).optional().describe("0: always the likeliest token."),
  topP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Tokens are sampled from the likeliest with this probability together."),
  topK: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("Tokens are sampled from so many of the likeliest; 0: no limit."),
  minP: z.number().min(0).max(1).optional().describe("Least probability of a token, as a share of the likeliest's."),
  repeatPenalty: z
    .number()
    .min(0.01)
    .max(2)
    .optional()
    .describe("Divides the chance of tokens that came before; 1: none."),
});

const settings = z.strictObject({
  kind: z.literal("llama").describe("A local model, run by llama.cpp."),
  model: z
    .string()
    .min(1)
    .describe("A catalogue id, or the path of a GGUF file.")
    .register(settingMarks, { isPath: isModelPath }),
  contextTokens: count.optional().describe("Prompt and completion together; default: what the model allows, bounded."),
  concurrency: count.max(256).optional().describe("Calls side by side; each chat needs memory of its own."),
  threads: count
    .max(1024)
    .optional()
    .describe("CPU threads; default: cores minus one, for embeddings all cores up to 8."),
  truncatableVectors: z
    .boolean()
    .default(false)
    .describe("For embeddings: whether the model was trained for fewer `dimensions` (Matryoshka)."),
  sampling: samplingSchema
    .optional()
    .describe(
      "For chats and completions that don't say it; default: what the catalogue or the file recommends, else OpenAI's defaults.",
    ),
  reproducible: z
    .boolean()
    .default(false)
    .describe(
      "For chats and completions: every text is the same in any company, not only those of requests with a `seed`. Prompts are read more slowly.",
    ),
  streamGapMs: milliseconds
    .optional()
    .describe(
      "For chats and completions: how long two tokens of a stream should be apart at most while other prompts are read, those with a `seed` excepted; default 125.",
    ),
  savedPrefixBytesMax: countFromZero
    .optional()
    .describe(
      "For chats and completions: memory for what conversations had in it before others took their slots, so that they are not read again; default 134217728, 0 for none. Linux only.",
    ),
  shareSystemPrompts: z
    .boolean()
    .default(true)
    .describe(
      "For chats: a system prompt that several accounts send is read once for all. `cached_tokens` tells each that another has sent the same.",
    ),
  gpu: z.boolean().default(false).describe("Use a GPU where a matching binary is installed."),
});

type LlamaModel = ConfiguredModel<z.output<typeof settings>>;

export const llamaKind = {
  kind: "llama",
  label: "llama.cpp",
  ownedBy: "local",
  types: ["chat", "embedding"],
  settings,
  findType: ({ model }) => findCatalogueEntry(model)?.type ?? null,
  listMisfits({ type, engine }) {
    const vectors = type !== "embedding" && engine.truncatableVectors;
    const isEmbedding = type === "embedding";
    const forChats = (["sampling", "streamGapMs", "savedPrefixBytesMax"] as const).filter(
      (name) => isEmbedding && engine[name] !== undefined,
    );
    return [
      ...(vectors ? ["truncatableVectors is for a model of the type embedding"] : []),
      ...(isEmbedding && engine.reproducible ? ["reproducible is for a model of the type chat"] : []),
      ...(isEmbedding && !engine.shareSystemPrompts ? ["shareSystemPrompts is for a model of the type chat"] : []),
      ...forChats.map((name) => `${name} is for a model of the type chat`),
    ];
  },
  usesGpu: ({ gpu }) => gpu,
  listFiles: ({ model }) => (findCatalogueEntry(model) === undefined ? [model] : []),
  requirement: { about: "llama library", library: "llama", findProblem: findLibraryProblem },
  async createEngine(model, host) {
    const { id, engine } = model;
    const { path, source } = await locateFile(engine.model, host);
    const { problem, sampling } = await examineGguf(path, ggufTypeOf(model));
    if (problem !== null) throw new ConfigError(`The model "${id}" can't be served: ${path} ${problem}.`);
    // The operator's values come first, then ours, then the file's.
    const recommended = { ...sampling, ...findCatalogueEntry(engine.model)?.sampling, ...engine.sampling };
    return { engine: createLocalEngine(mapLocalModel(model, path, recommended), host.loadingOf(id)), source };
  },
  examine: async (model) => [await examineFile(model)],
  async estimateBytes(model) {
    const path = await findFile(model.engine.model);
    return path === null ? null : estimateLocalBytes(mapLocalModel(model, path));
  },
  /** What a text alone names: a catalogue's model keeps its id, a file gives its own name. */
  nameUnknown(text: string) {
    return { id: basename(text).replace(/\.gguf$/i, ""), engine: { kind: "llama" as const, model: text } };
  },
} satisfies EngineKind<z.output<typeof settings>> & { readonly nameUnknown: (text: string) => object };

function ggufTypeOf({ type }: LlamaModel): LlamaEntry["type"] {
  return type === "embedding" ? "embedding" : "chat";
}

function mapLocalModel(
  { type, engine }: LlamaModel,
  modelPath: string,
  recommendedSampling: RecommendedSampling = {},
): LocalModel {
  const { kind: _kind, model, sampling: _sampling, truncatableVectors, ...rest } = engine;
  if (type !== "embedding") return { type: "chat", settings: { ...rest, modelPath, recommendedSampling } };
  const { threads, concurrency, gpu } = engine;
  const contextTokens = engine.contextTokens ?? findCatalogueEntry(model)?.contextTokens;
  return { type, settings: { threads, concurrency, gpu, modelPath, contextTokens, truncatableVectors } };
}

async function findLibraryProblem(): Promise<string | null> {
  const probed = await probeLlama();
  if (probed.available) return null;
  return probed.isMissing === true ? `${probed.reason} Install it with: ${describeLibraryInstall()}` : probed.reason;
}

function findCatalogueEntry(model: string): LlamaEntry | undefined {
  return listLlamaEntries().find(({ id }) => id === model);
}

function listLlamaEntries(): readonly LlamaEntry[] {
  return listCatalogue().filter(isLlamaEntry);
}

/** @returns null for a file that is not there, or not pulled yet */
async function findFile(model: string): Promise<string | null> {
  if (findCatalogueEntry(model) !== undefined) return (await findCachedModel(model))?.path ?? null;
  return existsSync(model) ? model : null;
}

async function locateFile(model: string, { pull, signal }: EngineHost): Promise<PulledFile> {
  const entry = findCatalogueEntry(model);
  if (entry !== undefined) return pull(entry, signal);
  if (existsSync(model)) return { path: model, source: model };
  const known = listLlamaEntries().map(({ id }) => id);
  const tried = isModelPath(model) ? resolve(model) : model;
  throw new ConfigError(
    `"${tried}" is neither a file nor a model of the catalogue. The catalogue has ${known.join(", ")}. ` +
      "A model of your own is named by the path of its GGUF file, such as ./model.gguf.",
  );
}

async function examineFile(model: LlamaModel): Promise<TimedFinding> {
  const about = `model ${model.id}`;
  const { model: name } = model.engine;
  const path = await findFile(name);
  if (findCatalogueEntry(name) !== undefined) {
    if (path !== null) return { about, status: "ok", message: `${name} is in the cache` };
    return {
      about,
      status: "warn",
      message: `the first start downloads it: ${describeCommand(`models pull ${name}`)}`,
    };
  }
  if (path === null) {
    return { about, status: "fail", message: `${resolve(name)} is neither a file nor in the catalogue` };
  }
  const { problem } = await examineGguf(path, ggufTypeOf(model));
  if (problem !== null) return { about, status: "fail", message: `${path} ${problem}` };
  return { about, status: "ok", message: `${path} is there` };
}
