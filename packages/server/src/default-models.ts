/** What serves when no model is configured: models of the catalogue that fit this machine, else the scripted engine. */

import { AiError, MODEL_TYPES } from "@openai-compat/core";
import type { RegisteredModel } from "@openai-compat/core";
import { listFittingModels } from "@openai-compat/engines";
import type { CatalogueEntry, ModelChoice, Capacity } from "@openai-compat/engines";
import { ConfigError } from "./config-error.ts";
import type { Config } from "./config.ts";
import type { EngineKind } from "./engine-kinds/engine-kind.ts";
import { CATALOGUE_KIND, FALLBACK_KIND, findEngineKind, nameModel } from "./engine-kinds/index.ts";
import { resolveMemoryLimit } from "./memory-limit.ts";
import { modelSchema, withOwnType } from "./model-config.ts";
import type { ModelConfig } from "./model-config.ts";

/** The first that is missing decides: without a chat model no embedding model is looked for. */
export const DEFAULT_TYPES = ["chat", "embedding"] as const satisfies readonly CatalogueEntry["type"][];

/** The smallest of each come beside a chat model, whatever is asked for: they are good enough to be heard and to hear. */
export const AUDIO_TYPES = ["transcription", "speech"] as const satisfies readonly CatalogueEntry["type"][];

export interface DefaultModelsOptions {
  readonly config: Pick<Config, "engines" | "models" | "memory">;
  /** Makes the model's engine. @returns it with the source of its file */
  readonly register: (
    model: ModelConfig,
  ) => Promise<{ readonly model: RegisteredModel; readonly source: string | null }>;
  readonly signal: AbortSignal;
  /** Why no model of this kind runs on this machine; null: nothing is known against it. */
  readonly findProblem: (kind: EngineKind) => Promise<string | null>;
  /** As in `listDefaultModels`. */
  readonly capacity: Partial<Capacity>;
}

export interface DefaultModels {
  readonly models: readonly RegisteredModel[];
  /** Which models serve, and why not better ones, for people. */
  readonly summary: string;
}

export async function resolveDefaultModels(options: DefaultModelsOptions): Promise<DefaultModels> {
  if (options.config.engines === "scripted") {
    return resolveFallback(options, "Serving the scripted engine (no AI model), as asked.");
  }
  const problem = await options.findProblem(CATALOGUE_KIND);
  const chat = problem === null ? await findDefaultModel("chat", options) : { reasons: [problem] };
  if (!("model" in chat)) {
    return resolveFallback(options, `Serving the scripted engine (no AI model):\n${chat.reasons.join("\n")}`);
  }
  const why = chat.reasons.length === 0 ? "" : ` Not a better one: ${chat.reasons.join(" ")}`;
  const models = [chat.model];
  const lines = [`${chat.summary}${why}`];
  for (const type of ["embedding", ...AUDIO_TYPES] as const) {
    const found = await findDefaultModel(type, options);
    if ("model" in found) models.push(found.model);
    lines.push("model" in found ? found.summary : `Serving no ${type} model: ${found.reasons.join(" ")}`);
  }
  return { models, summary: lines.join("\n") };
}

/** Those of the catalogue that fit, the first choice first. @param capacity default: what this machine offers */
export async function listDefaultModels(
  type: CatalogueEntry["type"],
  config: Pick<Config, "engines" | "models" | "memory">,
  capacity: Partial<Capacity> = {},
): Promise<ModelChoice> {
  const order = config.engines === "small" || AUDIO_TYPES.some((audio) => audio === type) ? "smallest" : "best";
  return listFittingModels({ type, order, memoryBytes: resolveMemoryLimit(config), ...capacity });
}

/** A model of the catalogue as the configuration would have it. */
export function nameDefaultModel({ id, name }: CatalogueEntry): ModelConfig {
  return withOwnType(modelSchema.parse({ ...nameModel(id), name, default: true }));
}

type FoundModel =
  | { readonly model: RegisteredModel; readonly summary: string; readonly reasons: readonly string[] }
  | { readonly reasons: readonly string[] };

/** The first that can be served of those that fit; `reasons` say why not the ones before it. */
async function findDefaultModel(type: CatalogueEntry["type"], options: DefaultModelsOptions): Promise<FoundModel> {
  const choice = await listDefaultModels(type, options.config, options.capacity);
  const reasons = [...choice.reasons];
  for (const entry of choice.fitting) {
    const config = nameDefaultModel(entry);
    const kind = findEngineKind(config.engine);
    const problem = kind.kind === CATALOGUE_KIND.kind ? null : await options.findProblem(kind);
    if (problem !== null) {
      if (!reasons.includes(problem)) reasons.push(problem);
      continue;
    }
    try {
      const { model, source } = await options.register(config);
      const demonstration = entry.isDemonstration ? ", a demonstration model," : "";
      return { model, summary: `Serving ${entry.name} (${entry.id})${demonstration} from ${source}.`, reasons };
    } catch (thrown) {
      const isForeseen = thrown instanceof AiError || thrown instanceof ConfigError;
      if (options.signal.aborted || !isForeseen) throw thrown;
      reasons.push(thrown.message);
    }
  }
  return { reasons };
}

async function resolveFallback({ register }: DefaultModelsOptions, summary: string): Promise<DefaultModels> {
  const { kind } = FALLBACK_KIND;
  const configs = MODEL_TYPES.map((type) => {
    const named =
      type === "chat" ? { id: kind, name: "Scripted" } : { id: `${kind}-${type}`, name: `Scripted ${type}` };
    return modelSchema.parse({ ...named, type, engine: { kind }, default: true });
  });
  const registered = await Promise.all(configs.map(register));
  return { models: registered.map(({ model }) => model), summary };
}
