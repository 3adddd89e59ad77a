/**
 * Configured models to registered ones: has the module of each model's engine kind make its engine. No engine is loaded
 * here; that happens with the first call.
 */

import { BILLED_AS, FREE_OF_CHARGE } from "@openai-compat/core";
import type { Engine, RegisteredModel } from "@openai-compat/core";
import { configureDecoders, createModelMemory } from "@openai-compat/engines";
import type { Capacity } from "@openai-compat/engines";
import { ConfigError } from "./config-error.ts";
import type { Config } from "./config.ts";
import { createDecoderProcesses } from "./decoder-processes.ts";
import { resolveDefaultModels } from "./default-models.ts";
import type { DefaultModelsOptions } from "./default-models.ts";
import { findEngineKind } from "./engine-kinds/index.ts";
import type { EngineHost, EngineKind, Environment } from "./engine-kinds/engine-kind.ts";
import { resolveMemoryLimit } from "./memory-limit.ts";
import { listWrongAliases } from "./model-aliases.ts";
import { withOwnType } from "./model-config.ts";
import type { ModelConfig } from "./model-config.ts";
import { createModelLoads } from "./model-loads.ts";
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
  const loads = createModelLoads(options.logger ?? SILENT);
  const decoders = startDecoders(config, options.logger ?? SILENT);
  const host: EngineHost = {
    environment: options.environment ?? process.env,
    signal,
    pull: options.pull ?? pullWithProgress,
    loadingOf: shareMemory(config, loads),
  };
  const register = async (model: ModelConfig) => {
    const kind = findEngineKind(model.engine);
    const { engine, source } = await kind.createEngine(model, host);
    return { model: describeModel(options, model, { engine, ownedBy: kind.ownedBy }), source };
  };
  if (config.models.length === 0) {
    const { findProblem = findProblemOf, capacity = {} } = options;
    const chosen = await resolveDefaultModels({ config, register, signal, findProblem, capacity });
    requireAliases(config, chosen.models);
    return { ...chosen, loads: loads.readings, decoders };
  }
  requireAliases(config, config.models.map(withOwnType));
  const models: RegisteredModel[] = [];
  for (const model of markDefaults(config.models.map(withOwnType))) models.push((await register(model)).model);
  const summary = `Serving ${models.map(({ id }) => id).join(", ")}.`;
  return { models, summary, loads: loads.readings, decoders };
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

function shareMemory(
  config: ResolveModelsOptions["config"],
  loads: ReturnType<typeof createModelLoads>,
): EngineHost["loadingOf"] {
  const { graceMs, waitTimeMsMax, idleUnloadMs, loadRetryDelayMs, loadRetryDelayMsMax } = config.memory;
  const memory = createModelMemory({ bytesMax: resolveMemoryLimit(config), graceMs });
  return (modelId) => ({
    memory,
    waitTimeMsMax,
    idleUnloadMs,
    retryDelayMs: loadRetryDelayMs,
    retryDelayMsMax: loadRetryDelayMsMax,
    processLimits: config.processes,
    onEvent: loads.watch(modelId),
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
  { config, nowMs }: Pick<ResolveModelsOptions, "config" | "nowMs">,
  { id, name = id, type, prices = {}, default: isDefault }: ModelConfig,
  { engine, ownedBy }: { readonly engine: Engine; readonly ownedBy: string },
): RegisteredModel {
  const defaults = { ...FREE_OF_CHARGE, ...config.prices[BILLED_AS[type]] };
  return {
    id,
    name,
    type,
    ownedBy,
    engine,
    isDefault,
    createdAtMs: nowMs,
    queue: config.queue,
    prices: {
      perMillionInputTokens: prices.perMillionInputTokens ?? defaults.perMillionInputTokens,
      perMillionOutputTokens: prices.perMillionOutputTokens ?? defaults.perMillionOutputTokens,
      perMillionCharacters: prices.perMillionCharacters ?? defaults.perMillionCharacters,
      perMinuteOfAudio: prices.perMinuteOfAudio ?? defaults.perMinuteOfAudio,
    },
  };
}
