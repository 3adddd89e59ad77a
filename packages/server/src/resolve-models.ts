/**
 * Configured models to registered ones: has the module of each model's engine kind make its engine. No engine is loaded
 * here; that happens with the first call.
 */

import { BILLED_AS, FREE_OF_CHARGE } from "@openai-compat/core";
import type { RegisteredModel } from "@openai-compat/core";
import { configureDecoders, createModelMemory, findCachedModel, pullModel } from "@openai-compat/engines";
import type { Capacity, CatalogueEntry, LoadingSettings, PullProgress } from "@openai-compat/engines";
import { ConfigError } from "./config-error.ts";
import type { Config } from "./config.ts";
import { createDecoderProcesses } from "./decoder-processes.ts";
import { resolveDefaultModels } from "./default-models.ts";
import type { DefaultModelsOptions } from "./default-models.ts";
import { findEngineKind } from "./engine-kinds/index.ts";
import type { EngineHost, EngineKind, Environment, PulledFile } from "./engine-kinds/engine-kind.ts";
import { resolveMemoryLimit } from "./memory-limit.ts";
import { listWrongAliases } from "./model-aliases.ts";
import { withOwnType } from "./model-config.ts";
import type { ModelConfig } from "./model-config.ts";
import { createModelLoads } from "./model-loads.ts";
import type { WatchedLoads } from "./model-loads.ts";
import type { DecoderReading } from "./operations/decoder-metrics.ts";
import type { LoadReading } from "./operations/load-metrics.ts";
import type { Logger } from "./operations/logger.ts";
import { pullWithProgress } from "./pull-with-progress.ts";

export interface ResolvedModels {
  readonly models: readonly RegisteredModel[];
  /** What serves, in a sentence for people: which engine, and why not a better one. */
  readonly summary: string;
  /** The loads of each local model since. */
  readonly loads: () => readonly LoadReading[];
  /** The processes that decode audio for local models. */
  readonly decoders: () => DecoderReading;
  /** Makes models for as long as the server runs; they share the memory with those above. */
  readonly builder: ModelBuilder;
}

export interface BuiltModel {
  readonly model: RegisteredModel;
  /** Where its file came from, for people; null when it has none. */
  readonly source: string | null;
  /** From now on its loads are among the readings, in place of those of an earlier model with its id. */
  readonly showLoads: () => void;
}

export interface BuildOptions extends Pick<EngineHost, "signal" | "pull" | "publicAddressesOnly"> {
  /** When the model became available. */
  readonly createdAtMs: number;
}

export interface ModelBuilder {
  /** @throws ConfigError, AiError as `EngineKind.createEngine` */
  build(model: ModelConfig, options: BuildOptions): Promise<BuiltModel>;
  /** What the configuration says of a model that has no engine yet. */
  describe(model: ModelConfig, createdAtMs: number): Omit<RegisteredModel, "engine">;
  readonly loads: () => readonly LoadReading[];
  forgetLoads(modelId: string): void;
  /** Gets the file of a model of the catalogue, quietly. `onProgress` is called only where it is not in the cache. */
  pull(entry: CatalogueEntry, options: QuietPullOptions): Promise<PulledFile>;
}

export interface QuietPullOptions {
  readonly signal: AbortSignal;
  /** Called before a download, then with its share, 0 to 1. */
  readonly onProgress: (share: number) => void;
  /** Begins a download when it may. */
  readonly takeTurn: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

export interface ResolveModelsOptions {
  readonly config: Pick<Config, "engines" | "models" | "aliases" | "queue" | "prices" | "memory" | "processes">;
  /** Called with each load and unload. Default: they are not logged. */
  readonly logger?: Logger;
  /** Where upstreams' keys may be. Default: the process's own. */
  readonly environment?: Environment;
  /** Stops a pull. */
  readonly signal: AbortSignal;
  /** When the models became available, for their `created`. */
  readonly nowMs: number;
  /** Default: the real one, with a progress bar on standard error. */
  readonly pull?: EngineHost["pull"];
  /** Why no model of this kind runs here; null: nothing is known against it. Default: asks its native library. */
  readonly findProblem?: DefaultModelsOptions["findProblem"];
  /** What a default model may take. Default: what this machine offers. */
  readonly capacity?: Capacity;
}

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * `models` of the configuration as they are; without any, the first model of each type of the catalogue that this
 * machine has room for and can get, from the cache, else pulled; else the scripted engine.
 *
 * @throws ConfigError for a configured file that is not there, and for an alias of a model that is not. @throws AiError when a configured model can't be pulled.
 */
export async function resolveModels(options: ResolveModelsOptions): Promise<ResolvedModels> {
  const { config, signal } = options;
  const decoders = startDecoders(config, options.logger ?? SILENT);
  const builder = createModelBuilder(options);
  const { loads } = builder;
  const { pull = pullWithProgress, nowMs: createdAtMs } = options;
  const register = async (model: ModelConfig) => {
    const built = await builder.build(model, { signal, pull, createdAtMs, publicAddressesOnly: false });
    built.showLoads();
    return built;
  };
  if (config.models.length === 0) {
    const { findProblem = findProblemOf, capacity = {} } = options;
    const chosen = await resolveDefaultModels({ config, register, signal, findProblem, capacity });
    requireAliases(config, chosen.models);
    return { ...chosen, loads, decoders, builder };
  }
  requireAliases(config, config.models.map(withOwnType));
  const models: RegisteredModel[] = [];
  for (const model of markDefaults(config.models.map(withOwnType))) models.push((await register(model)).model);
  const summary = `Serving ${models.map(({ id }) => id).join(", ")}.`;
  return { models, summary, loads, decoders, builder };
}

/** Makes the engines of models, all of which share one memory. */
export function createModelBuilder(
  options: Pick<ResolveModelsOptions, "config" | "logger" | "environment">,
): ModelBuilder {
  const { config, environment = process.env } = options;
  const loads = createModelLoads(options.logger ?? SILENT);
  const shareLoading = shareMemory(config);
  const describe = (model: ModelConfig, createdAtMs: number) =>
    describeModel(config, model, { createdAtMs, ownedBy: findEngineKind(model.engine).ownedBy });
  return {
    async build(model, { createdAtMs, ...given }) {
      const watched: WatchedLoads[] = [];
      const loadingOf = (modelId: string) => {
        const ofEngine = loads.watch(modelId);
        watched.push(ofEngine);
        return shareLoading(ofEngine.onEvent);
      };
      const kind = findEngineKind(model.engine);
      const { engine, source } = await kind.createEngine(model, { ...given, environment, loadingOf });
      const showLoads = () => watched.forEach(({ show }) => show());
      return { model: { ...describe(model, createdAtMs), engine }, source, showLoads };
    },
    describe,
    loads: loads.readings,
    forgetLoads: (modelId) => loads.forget(modelId),
    pull: pullQuietly,
  };
}

async function pullQuietly(
  { id }: CatalogueEntry,
  { signal, onProgress, takeTurn }: QuietPullOptions,
): Promise<PulledFile> {
  const cached = await findCachedModel(id);
  if (cached !== null) return { path: cached.path, source: "the cache" };
  onProgress(0);
  const report = ({ phase, receivedBytes, totalBytes }: PullProgress) => {
    if (phase === "downloading" && totalBytes > 0) onProgress(Math.min(1, receivedBytes / totalBytes));
  };
  const pulled = await takeTurn(() => pullModel({ id, signal, onProgress: report }));
  return { path: pulled.path, source: pulled.fromCache ? "the cache" : pulled.source };
}

/** Processes are started with the first file. */
function startDecoders({ processes }: ResolveModelsOptions["config"], logger: Logger): () => DecoderReading {
  const { decodersMax, decoderMemoryBytesMax, decoderIdleMs } = processes;
  const decoders = createDecoderProcesses(logger);
  configureDecoders({
    processesMax: decodersMax,
    limits: { memoryBytesMax: decoderMemoryBytesMax },
    idleMsMax: decoderIdleMs,
    onEvent: decoders.record,
  });
  return decoders.reading;
}

function requireAliases({ aliases }: Pick<Config, "aliases">, models: Parameters<typeof listWrongAliases>[1]): void {
  const wrong = listWrongAliases(aliases, models);
  if (wrong.length > 0) throw new ConfigError(`The setting "aliases" is wrong: ${wrong.join("; ")}.`);
}

async function findProblemOf({ requirement }: EngineKind): Promise<string | null> {
  return requirement === undefined ? null : requirement.findProblem();
}

function shareMemory(config: ResolveModelsOptions["config"]) {
  const { graceMs, waitTimeMsMax, idleUnloadMs, loadRetryDelayMs, loadRetryDelayMsMax } = config.memory;
  const memory = createModelMemory({ bytesMax: resolveMemoryLimit(config), graceMs });
  return (onEvent: WatchedLoads["onEvent"]): LoadingSettings => ({
    memory,
    waitTimeMsMax,
    idleUnloadMs,
    retryDelayMs: loadRetryDelayMs,
    retryDelayMsMax: loadRetryDelayMsMax,
    processLimits: config.processes,
    onEvent,
  });
}

/** The only model of its type is what `default` can mean. */
function markDefaults(models: readonly ModelConfig[]): readonly ModelConfig[] {
  return models.map((model) => {
    const isOnly = models.filter(({ type }) => type === model.type).length === 1;
    return { ...model, default: model.default || isOnly };
  });
}

function describeModel(
  config: ResolveModelsOptions["config"],
  { id, name = id, type, prices = {}, default: isDefault }: ModelConfig,
  { createdAtMs, ownedBy }: Pick<RegisteredModel, "createdAtMs" | "ownedBy">,
): Omit<RegisteredModel, "engine"> {
  const defaults = { ...FREE_OF_CHARGE, ...config.prices[BILLED_AS[type]] };
  return {
    id,
    name,
    type,
    ownedBy,
    isDefault,
    createdAtMs,
    queue: config.queue,
    prices: {
      perMillionInputTokens: prices.perMillionInputTokens ?? defaults.perMillionInputTokens,
      perMillionOutputTokens: prices.perMillionOutputTokens ?? defaults.perMillionOutputTokens,
      perMillionCharacters: prices.perMillionCharacters ?? defaults.perMillionCharacters,
      perMinuteOfAudio: prices.perMinuteOfAudio ?? defaults.perMinuteOfAudio,
    },
  };
}
