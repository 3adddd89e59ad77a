/**
 * The models that this service offers, and how a request's `model` field finds one: exact id, then exact name, then the
 * keyword `default`, then an alias. All are compared as they are: no case folding, no prefixes, no nearest match, so a
 * client is never answered by a model that neither it nor the operator named. The models may change while calls run;
 * nothing here closes an engine (see `AiService.models`).
 */

import { AiError } from "../ai-error.ts";
import type { Prices } from "../credits/prices.ts";
import type { UnavailableEngine } from "../engine/unavailable-engine.ts";
import type { Engine, ModelType } from "../operations.ts";

/** What callers may know of a model. */
export interface ModelDescription {
  /** Unique; may hold `/` and `:`. */
  readonly id: string;
  /** A second, human way to ask for it. Names need not be unique; the first registered wins. */
  readonly name: string;
  readonly type: ModelType;
  /** Who made or serves it; `scripted` when no model stands behind it. */
  readonly ownedBy: string;
  readonly createdAtMs: number;
  /** Whether the keyword `default` means this model. At most one per type. */
  readonly isDefault: boolean;
}

export interface QueueLimits {
  /** Calls that may wait for a slot; one more is refused. */
  readonly waitingMax: number;
  /** How long a call may wait without a slot. */
  readonly waitTimeMsMax: number;
  /**
   * Slots that one account may hold at the same time. Null, the default: all but one while it is alone, and beside
   * others all but what those use and one more, but no less than an equal part; in any case one.
   */
  readonly accountSlotsMax?: number | null;
}

export interface RegisteredModel extends ModelDescription {
  readonly engine: Engine | UnavailableEngine;
  readonly queue: QueueLimits;
  readonly prices: Prices;
}

/**
 * Other names of models, by the type of model that they stand for: each means an id, a name or `default`. A call that needs
 * another type does not know them.
 */
export type ModelAliases = Readonly<Partial<Record<ModelType, Readonly<Record<string, string>>>>>;

export interface ModelRegistry {
  /** In the order of registration. The list stays as it is; a change makes another one. */
  list(): readonly RegisteredModel[];
  /** @throws AiError `model_not_found` */
  find(id: string): RegisteredModel;
  /**
   * Null when there is none.
   *
   * @param selector the request's `model` field: id, name, `default` or an alias.
   * @param type whose default and aliases are meant; another model may be of any type.
   */
  lookUp(selector: string, type: ModelType): RegisteredModel | null;
  /** Whether an alias of any type is called so. */
  isAlias(name: string): boolean;
  /** @throws Error when the id is taken, or the type has a default and this model is marked as one */
  add(model: RegisteredModel): void;
  /** In the same place of the list. @returns what was there before. @throws AiError `model_not_found`, Error as `add` */
  replace(model: RegisteredModel): RegisteredModel;
  /** @returns what was there. @throws AiError `model_not_found` */
  remove(id: string): RegisteredModel;
  /**
   * The model's engine and its calls stay as they are.
   *
   * @param id null: the type has no default
   * @throws AiError `model_not_found`, `wrong_model_type`
   */
  setDefault(type: ModelType, id: string | null): void;
}

/**
 * @throws Error when an id appears twice or a type has two defaults: such a configuration must not start.
 */
export function createModelRegistry(models: readonly RegisteredModel[], aliases: ModelAliases = {}): ModelRegistry {
  let index = indexModels(models);
  const findById = (id: string): RegisteredModel => {
    const model = index.byId.get(id);
    if (model === undefined) throw modelNotFound(id);
    return model;
  };
  const findByName = (selector: string, type: ModelType): RegisteredModel | null =>
    index.byId.get(selector) ??
    index.byName.get(selector) ??
    (selector === "default" ? index.defaults.get(type) : undefined) ??
    null;
  const findByAlias = (selector: string, type: ModelType): RegisteredModel | null => {
    const target = Object.entries(aliases[type] ?? {}).find(([alias]) => alias === selector)?.[1];
    const found = target === undefined ? null : findByName(target, type);
    return found?.type === type ? found : null;
  };
  return {
    list: () => index.models,
    lookUp: (selector, type) => findByName(selector, type) ?? findByAlias(selector, type),
    find: findById,
    isAlias: (name) => Object.values(aliases).some((ofType) => Object.hasOwn(ofType, name)),
    add(model) {
      index = indexModels([...index.models, model]);
    },
    replace(model) {
      const before = findById(model.id);
      index = indexModels(index.models.map((other) => (other === before ? model : other)));
      return before;
    },
    remove(id) {
      const removed = findById(id);
      index = indexModels(index.models.filter((model) => model !== removed));
      return removed;
    },
    setDefault(type, id) {
      if (id !== null) requireModel(findById(id), { selector: id, type });
      index = indexModels(index.models.map((model) => (model.type === type ? markDefault(model, id) : model)));
    },
  };
}

function markDefault(model: RegisteredModel, id: string | null): RegisteredModel {
  const isDefault = model.id === id;
  return isDefault === model.isDefault ? model : { ...model, isDefault };
}

function indexModels(models: readonly RegisteredModel[]) {
  const byId = new Map<string, RegisteredModel>();
  const byName = new Map<string, RegisteredModel>();
  const defaults = new Map<ModelType, RegisteredModel>();
  for (const model of models) {
    if (byId.has(model.id)) throw new Error(`Two models have the id "${model.id}".`);
    byId.set(model.id, model);
    if (!byName.has(model.name)) byName.set(model.name, model);
    if (!model.isDefault) continue;
    if (defaults.has(model.type)) throw new Error(`Two ${model.type} models are marked as the default.`);
    defaults.set(model.type, model);
  }
  return { models, byId, byName, defaults };
}

/** @throws AiError `model_not_found`, `wrong_model_type` */
export function requireModel(
  model: RegisteredModel | null,
  { selector, type }: { readonly selector: string; readonly type: ModelType },
): RegisteredModel {
  if (model === null) throw modelNotFound(selector);
  if (model.type !== type) throw wrongModelType(model, type);
  return model;
}

function modelNotFound(selector: string): AiError {
  return new AiError(
    "model_not_found",
    `The model '${selector.slice(0, 200)}' does not exist or you do not have access to it. GET /v1/models lists the models.`,
    { param: "model" },
  );
}

function wrongModelType(model: RegisteredModel, requested: ModelType): AiError {
  const message = `The model '${model.id}' is of type ${model.type}; this endpoint needs a model of type ${requested}.`;
  return new AiError("wrong_model_type", message, { param: "model" });
}
