/**
 * Configured models to registered ones: finds or pulls each model's file and makes its engine. No engine is loaded
 * here; that happens with the first call.
 */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { AiError, BILLED_AS, FREE_OF_CHARGE, listOperations } from "@openai-compat/core";
import type { Engine, ModelType, Prices, RecommendedSampling, RegisteredModel, RelayEngine } from "@openai-compat/core";
import {
  cacheDirectory,
  createLocalEngine,
  createModelMemory,
  createProgressReporter,
  createScriptedEmbeddingEngine,
  createScriptedEngine,
  createUpstreamEngine,
  examineGguf,
  findCachedModel,
  listCatalogue,
  listFittingModels,
  probeLlama,
  pullModel,
  wrapProse,
} from "@openai-compat/engines";
import type {
  CatalogueEntry,
  LlamaAvailability,
  LoadingSettings,
  LocalModel,
  ModelChoice,
  Room,
} from "@openai-compat/engines";
import { describeLibraryInstall } from "./cli/invocation.ts";
import { isModelPath } from "./config-paths.ts";
import { ConfigError } from "./load-config.ts";
import type { Config } from "./config.ts";
import type { ModelConfig } from "./model-config.ts";
import { resolveMemoryLimit } from "./memory-limit.ts";
import { createModelLoads } from "./model-loads.ts";
import type { LoadReading } from "./operations/load-metrics.ts";
import type { Logger } from "./operations/logger.ts";

export interface ResolvedModels {
  readonly models: readonly RegisteredModel[];
  /** What serves, in a sentence for people: which engine, and why not a better one. */
  readonly summary: string;
  /** What became of each model of this machine since. */
  readonly loads: () => readonly LoadReading[];
}

/** Without what became of them: that is for the outermost. */
type ChosenModels = Omit<ResolvedModels, "loads">;

export interface ResolveModelsOptions {
  readonly config: Pick<Config, "engines" | "models" | "queue" | "prices" | "memory">;
  /** Is told of each load and unload. Default: nobody is. */
  readonly logger?: Pick<Logger, "info" | "warn" | "error">;
  /** Where upstreams' keys may be. Default: the process's own. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Stops a pull. */
  readonly signal: AbortSignal;
  /** When the models became available, for their `created`. */
  readonly nowMs: number;
  /** Default: the real one, with a progress bar on standard error. */
  readonly pull?: typeof pullWithProgress;
  /** Default: whether the native library is installed and runs here. */
  readonly probe?: () => Promise<LlamaAvailability>;
  /** What a default model may take. Default: what this machine offers. */
  readonly room?: Room;
}

const SCRIPTED_ID = "scripted";

/**
 * `models` of the configuration as they are; without any, the first model of each type of the catalogue that this machine
 * has room for and can get, from the cache, else pulled; else the scripted engine.
 *
 * @throws ConfigError for a configured file that is not there. @throws AiError when a configured model can't be pulled.
 */
export async function resolveModels(options: ResolveModelsOptions): Promise<ResolvedModels> {
  const { config, logger = SILENT } = options;
  const loads = createModelLoads(logger);
  const { graceMs, waitTimeMsMax, idleUnloadMs, loadRetryDelayMs, loadRetryDelayMsMax } = config.memory;
  const memory = createModelMemory({ bytesMax: resolveMemoryLimit(config), graceMs });
  const loadingOf: LoadingOf = (modelId) => ({
    memory,
    waitTimeMsMax,
    idleUnloadMs,
    retryDelayMs: loadRetryDelayMs,
    retryDelayMsMax: loadRetryDelayMsMax,
    onEvent: loads.watch(modelId),
  });
  return { ...(await chooseModels(options, loadingOf)), loads: loads.readings };
}

/** Of one model; all share the memory. */
type LoadingOf = (modelId: string) => LoadingSettings;

const SILENT = { info: () => {}, warn: () => {}, error: () => {} };

async function chooseModels(options: ResolveModelsOptions, loadingOf: LoadingOf): Promise<ChosenModels> {
  const { config } = options;
  if (config.models.length > 0) return resolveConfiguredModels(options, loadingOf);
  if (config.engines === "scripted") {
    return { models: createScriptedModels(options), summary: "Serving the scripted engine (no AI model), as asked." };
  }
  return resolveDefaultModels(options, loadingOf);
}

async function resolveDefaultModels(options: ResolveModelsOptions, loadingOf: LoadingOf): Promise<ChosenModels> {
  const llama = await (options.probe ?? probeLlama)();
  const chat = llama.available
    ? await findDefaultModel("chat", options, loadingOf)
    : { reasons: [describeMissing(llama)] };
  if (!("model" in chat)) {
    return {
      models: createScriptedModels(options),
      summary: `Serving the scripted engine (no AI model):\n${chat.reasons.join("\n")}`,
    };
  }
  const embedding = await findDefaultModel("embedding", options, loadingOf);
  const why = chat.reasons.length === 0 ? "" : ` Not a better one: ${chat.reasons.join(" ")}`;
  if (!("model" in embedding)) {
    const summary = `${chat.summary}${why}\nServing no embedding model: ${embedding.reasons.join(" ")}`;
    return { models: [chat.model], summary };
  }
  return { models: [chat.model, embedding.model], summary: `${chat.summary}${why}\n${embedding.summary}` };
}

/** Those of the catalogue that fit, the first choice first. @param room default: what this machine offers */
export async function listDefaultModels(
  type: CatalogueEntry["type"],
  config: Pick<Config, "engines" | "models" | "memory">,
  room: Partial<Room> = {},
): Promise<ModelChoice> {
  const order = config.engines === "small" ? "smallest" : "best";
  return listFittingModels({ type, order, memoryBytes: resolveMemoryLimit(config), ...room });
}

function describeMissing(llama: Extract<LlamaAvailability, { available: false }>): string {
  return llama.isMissing === true ? `${llama.reason} Install it with: ${describeLibraryInstall()}` : llama.reason;
}

type DefaultModel =
  | { readonly model: RegisteredModel; readonly summary: string; readonly reasons: readonly string[] }
  | { readonly reasons: readonly string[] };

/** The first that can be had of those that fit; `reasons` say why not the ones before it. */
async function findDefaultModel(
  type: CatalogueEntry["type"],
  options: ResolveModelsOptions,
  loadingOf: LoadingOf,
): Promise<DefaultModel> {
  const choice = await listDefaultModels(type, options.config, options.room);
  const reasons = [...choice.reasons];
  for (const entry of choice.fitting) {
    try {
      const file = await (options.pull ?? pullWithProgress)(entry, options.signal);
      const engine = createLocalEngine(mapCatalogueEntry(entry, file.path), loadingOf(entry.id));
      const model = describeModel(options, { ...describeCatalogueEntry(entry), type, engine, isDefault: true });
      const kind = entry.isDemonstration ? ", a demonstration model," : "";
      return { model, summary: `Serving ${entry.name} (${entry.id})${kind} from ${file.source}.`, reasons };
    } catch (thrown) {
      if (options.signal.aborted || !(thrown instanceof AiError)) throw thrown;
      reasons.push(thrown.message);
    }
  }
  return { reasons };
}

async function resolveConfiguredModels(options: ResolveModelsOptions, loadingOf: LoadingOf): Promise<ChosenModels> {
  const configs = options.config.models.map(withOwnType);
  const models: RegisteredModel[] = [];
  for (const config of configs) {
    const { ownedBy, engine } = await createConfiguredEngine(config, options, loadingOf);
    // The only model of its type is what `default` can mean.
    const isDefault = config.default || configs.filter(({ type }) => type === config.type).length === 1;
    const { id, name = id, type, prices = {} } = config;
    models.push(describeModel(options, { id, name, ownedBy, engine, isDefault, type, prices }));
  }
  return { models, summary: `Serving ${models.map((model) => model.id).join(", ")}.` };
}

/** A model of the catalogue is of the catalogue's type, whatever the default of the setting says. */
export function withOwnType(config: ModelConfig): ModelConfig {
  const { engine } = config;
  const entry = engine.kind === "llama" ? findCatalogueEntry(engine.model) : undefined;
  return entry === undefined ? config : { ...config, type: entry.type };
}

async function createConfiguredEngine(
  config: ModelConfig,
  options: ResolveModelsOptions,
  loadingOf: LoadingOf,
): Promise<{ ownedBy: string; engine: Engine }> {
  const { engine } = config;
  if (engine.kind === "scripted") {
    const scripted = config.type === "embedding" ? createScriptedEmbeddingEngine() : createScriptedEngine();
    return { ownedBy: SCRIPTED_ID, engine: scripted };
  }
  if (engine.kind === "upstream") return { ownedBy: "upstream", engine: connectUpstream(config, engine, options) };
  const { path, ownedBy } = await locateModelFile(engine.model, options);
  const { problem, sampling } = await examineGguf(path, config.type === "embedding" ? "embedding" : "chat");
  if (problem !== null) throw new ConfigError(`The model "${config.id}" can't be served: ${path} ${problem}.`);
  // Who serves the model knows best, then we, then the file.
  const recommended = { ...sampling, ...findCatalogueEntry(engine.model)?.sampling, ...engine.sampling };
  const local = recommendSampling(mapLocalModel(config.type, engine, path), recommended);
  return { ownedBy, engine: createLocalEngine(local, loadingOf(config.id)) };
}

/** A catalogue's model as it is served when nothing is configured. */
export function mapCatalogueEntry(entry: CatalogueEntry, modelPath: string): LocalModel {
  if (entry.type === "chat") return { type: "chat", settings: { modelPath, recommendedSampling: entry.sampling } };
  return { type: "embedding", settings: { modelPath, contextTokens: entry.contextTokens } };
}

function recommendSampling(local: LocalModel, recommendedSampling: RecommendedSampling): LocalModel {
  if (local.type === "embedding") return local;
  return { type: "chat", settings: { ...local.settings, recommendedSampling } };
}

export function mapLocalModel(
  type: ModelConfig["type"],
  engine: Extract<ModelConfig["engine"], { kind: "llama" }>,
  modelPath: string,
): LocalModel {
  const common = {
    modelPath,
    gpu: engine.gpu,
    ...(engine.contextTokens === undefined ? {} : { contextTokens: engine.contextTokens }),
  };
  if (type === "embedding") {
    const settings = {
      ...common,
      ...(engine.concurrency === undefined ? {} : { concurrency: engine.concurrency }),
      ...(engine.threads === undefined ? {} : { threads: engine.threads }),
      truncatableVectors: engine.truncatableVectors,
    };
    return { type: "embedding", settings };
  }
  const settings = {
    ...common,
    ...(engine.concurrency === undefined ? {} : { concurrency: engine.concurrency }),
    ...(engine.threads === undefined ? {} : { threads: engine.threads }),
  };
  return { type: "chat", settings };
}

function connectUpstream(
  { id, type }: ModelConfig,
  engine: Extract<ModelConfig["engine"], { kind: "upstream" }>,
  options: ResolveModelsOptions,
): RelayEngine {
  const { kind: _kind, apiKeyEnvironment, model = id, ...settings } = engine;
  const environment = options.environment ?? process.env;
  const apiKey = apiKeyEnvironment === null ? settings.apiKey : environment[apiKeyEnvironment];
  if (apiKey === undefined) {
    throw new ConfigError(`The model "${id}" wants its upstream's key in ${apiKeyEnvironment}, which is not set.`);
  }
  try {
    return createUpstreamEngine({ ...settings, model, apiKey, operations: listOperations(type) });
  } catch (thrown) {
    throw new ConfigError(`The upstream of the model "${id}" can't be used: ${describeReason(thrown)}`);
  }
}

function describeReason(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

async function locateModelFile(
  model: string,
  options: ResolveModelsOptions,
): Promise<{ path: string; ownedBy: string }> {
  const entry = findCatalogueEntry(model);
  if (entry !== undefined) {
    const { path } = await (options.pull ?? pullWithProgress)(entry, options.signal);
    return { path, ownedBy: describeCatalogueEntry(entry).ownedBy };
  }
  if (existsSync(model)) return { path: model, ownedBy: "local" };
  const known = listCatalogue().map(({ id }) => id);
  const tried = isModelPath(model) ? resolve(model) : model;
  throw new ConfigError(
    `"${tried}" is neither a file nor a model of the catalogue. The catalogue has ${known.join(", ")}. ` +
      "A model of your own is named by the path of its GGUF file, such as ./model.gguf.",
  );
}

function findCatalogueEntry(model: string): CatalogueEntry | undefined {
  return listCatalogue().find(({ id }) => id === model);
}

function describeCatalogueEntry(entry: CatalogueEntry): { id: string; name: string; ownedBy: string } {
  return { id: entry.id, name: entry.name, ownedBy: "local" };
}

interface ModelParts {
  readonly id: string;
  readonly name: string;
  readonly ownedBy: string;
  readonly engine: Engine;
  readonly isDefault: boolean;
  /** Default chat. */
  readonly type?: ModelType;
  /** Where they differ from those of the type. */
  readonly prices?: { readonly [Unit in keyof Prices]?: number | undefined };
}

function describeModel(
  { config, nowMs }: Pick<ResolveModelsOptions, "config" | "nowMs">,
  { type = "chat", prices = {}, ...parts }: ModelParts,
): RegisteredModel {
  const { contextTokens } = parts.engine.limits;
  const defaults = { ...FREE_OF_CHARGE, ...config.prices[BILLED_AS[type]] };
  return {
    ...parts,
    type,
    createdAtMs: nowMs,
    contextTokens,
    queue: config.queue,
    prices: {
      perMillionInputTokens: prices.perMillionInputTokens ?? defaults.perMillionInputTokens,
      perMillionOutputTokens: prices.perMillionOutputTokens ?? defaults.perMillionOutputTokens,
      perMillionCharacters: prices.perMillionCharacters ?? defaults.perMillionCharacters,
      perMinuteOfAudio: prices.perMinuteOfAudio ?? defaults.perMinuteOfAudio,
    },
  };
}

function createScriptedModels(options: ResolveModelsOptions): RegisteredModel[] {
  const common = { ownedBy: SCRIPTED_ID, isDefault: true };
  const chat = { ...common, id: SCRIPTED_ID, name: "Scripted", engine: createScriptedEngine() };
  const embedding = {
    ...common,
    id: `${SCRIPTED_ID}-embedding`,
    name: "Scripted embedding",
    type: "embedding" as const,
    engine: createScriptedEmbeddingEngine(),
  };
  return [describeModel(options, chat), describeModel(options, embedding)];
}

const MEGABYTE = 1_000_000;

/** The model's file, from the cache or pulled with its size said before and a progress bar, both on standard error. */
export async function pullWithProgress(
  entry: CatalogueEntry,
  signal: AbortSignal,
): Promise<{ readonly path: string; readonly source: string }> {
  if ((await findCachedModel(entry.id)) === null) {
    const size = Math.round((entry.sources[0]?.file.sizeBytes ?? entry.artefact.sizeBytes) / MEGABYTE);
    const announcement = `${entry.name} (${entry.licence}) is not in the cache: ${size} MB are to be downloaded to ${cacheDirectory()}.\n`;
    process.stderr.write(wrapProse(announcement, process.stderr));
  }
  const progress = createProgressReporter({ label: entry.name });
  try {
    const pulled = await pullModel({ id: entry.id, onProgress: progress.onProgress, signal });
    return { path: pulled.path, source: pulled.fromCache ? "the cache" : pulled.source };
  } finally {
    progress.stop();
  }
}
