/**
 * The models of a running server: those of its configuration, which stay as they are, and stored ones, which callers add,
 * change and remove. A change is written to the store and then applied from what is read back, by the server that made it
 * and by all others on the store.
 */

import { AiError } from "@openai-compat/core";
import type {
  AiService,
  ModelDescription,
  ModelRegistry,
  ModelStore,
  ModelType,
  RegisteredModel,
} from "@openai-compat/core";
import { describeThrown } from "../describe-thrown.ts";
import type { Logger } from "../operations/logger.ts";
import type { ModelBuilder } from "../resolve-models.ts";
import { checkModelAccess, needsPublicAddresses } from "./check-model-access.ts";
import { createLimiter } from "./limiter.ts";
import { explainRefusal, startModelBuild } from "./model-build.ts";
import type { ModelBuild } from "./model-build.ts";
import { decodeModel, encodeDefinition, haveSameEngine, patchModel } from "./model-definition.ts";
import type { GivenModel, ModelDefinition, ModelPatch } from "./model-definition.ts";
import type { ManagedModelSettings } from "./model-settings.ts";
import { readModelStatus } from "./model-status.ts";
import type { ModelStatus } from "./model-status.ts";
import { createSecretBox } from "./secret-box.ts";
import type { SecretBox } from "./secret-box.ts";
import { createStoredModels } from "./stored-models.ts";
import type { StoredEntry, StoredModels } from "./stored-models.ts";
import { watchStatuses } from "./watch-statuses.ts";
import type { WatchedStatus } from "./watch-statuses.ts";

export interface ManagedModel extends ModelDescription {
  readonly isDefault: boolean;
  /** `configuration`: it can't be changed or removed while the server runs. */
  readonly source: "configuration" | "stored";
}

/** Who asks for a change, as far as it matters. */
export interface ModelEditor {
  /** Whether the credential grants UPDATE in the domain `operator`. */
  readonly isOperator: boolean;
}

export interface ModelManager {
  list(): readonly ManagedModel[];
  /** @throws AiError `model_not_found` */
  status(id: string): ModelStatus;
  /**
   * The first statuses come at once, then what has changed. It ends with the signal.
   *
   * @param id null: all models, also those that are added later
   * @throws AiError `model_not_found`, also when the model is removed
   */
  watchStatus(id: string | null, signal: AbortSignal): AsyncIterable<WatchedStatus>;
  /**
   * Stores the model when it has turned out that it can be served. A model of the catalogue that is not in the cache is
   * added while its download runs.
   *
   * @param input as an entry of the setting `models`
   * @throws AiError with status 400 for what is wrong with it; `conflict` for an id or a name that is taken
   */
  add(input: GivenModel, by: ModelEditor): Promise<ManagedModel>;
  /** Calls that run end on the engine that they began on. @throws AiError as `add`, `model_not_found` */
  update(id: string, patch: ModelPatch, by: ModelEditor): Promise<ManagedModel>;
  /**
   * @param options.whenBusy `wait`: resolves when its calls have ended; `refuse`: a model with calls stays
   * @throws AiError `model_not_found`, `conflict`, `invalid_request` for one of the configuration
   */
  remove(id: string, options: { readonly whenBusy: "wait" | "refuse" }): Promise<void>;
  getDefault(type: ModelType): ManagedModel | null;
  /** @throws AiError `model_not_found`, `wrong_model_type` */
  setDefault(type: ModelType, id: string): Promise<ManagedModel>;
  /** Registers what is stored, and looks for changes from then on. A model that can't be served does not stop it. */
  start(): Promise<void>;
  /** Ends downloads, and takes no change any more. The service closes the engines. */
  close(): Promise<void>;
}

export interface ModelManagerOptions {
  readonly service: Pick<AiService, "models">;
  /** Its models are those of the configuration. */
  readonly registry: ModelRegistry;
  readonly store: ModelStore;
  readonly builder: ModelBuilder;
  readonly settings: ManagedModelSettings;
  readonly logger: Logger;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

/** Downloads side by side. */
const PULLS_MAX = 2;
/** Models that are looked at side by side before they are stored. */
const CHECKS_MAX = 8;
const CHANGES_WAITING_MAX = 100;

export function createModelManager(options: ModelManagerOptions): ModelManager {
  return new StoreBackedManager(options);
}

class StoreBackedManager implements ModelManager {
  readonly #options: ModelManagerOptions;
  readonly #now: () => number;
  readonly #box: SecretBox;
  readonly #changes = createLimiter({ runningMax: 1, waitingMax: CHANGES_WAITING_MAX });
  readonly #checks = createLimiter({ runningMax: CHECKS_MAX, waitingMax: 0 });
  readonly #pulls = createLimiter({ runningMax: PULLS_MAX, waitingMax: Number.POSITIVE_INFINITY });
  readonly #stored: StoredModels;
  readonly #stopping = new AbortController();
  /** Of what was applied last; null: it is to be read again. */
  #revision: number | null = null;
  #polling: NodeJS.Timeout | undefined;

  constructor(options: ModelManagerOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#box = createSecretBox(options.settings.secretKey);
    const startBuild = (definition: ModelDefinition, createdAtMs: number) => this.#startBuild(definition, createdAtMs);
    this.#stored = createStoredModels({ ...options, box: this.#box, startBuild, now: this.#now });
  }

  list(): readonly ManagedModel[] {
    return this.#options.registry.list().map((model) => this.#describe(model));
  }

  status(id: string): ModelStatus {
    return this.#readStatus(this.#options.registry.find(id)).status;
  }

  watchStatus(id: string | null, signal: AbortSignal): AsyncIterable<WatchedStatus> {
    const { registry } = this.#options;
    const look = () => (id === null ? registry.list() : [registry.find(id)]).map((model) => this.#readStatus(model));
    return watchStatuses(look, AbortSignal.any([signal, this.#stopping.signal]));
  }

  async add(input: GivenModel, by: ModelEditor): Promise<ManagedModel> {
    const { store, settings, registry } = this.#options;
    const { id, name = id, type, default: isDefault } = decodeModel(input);
    requireFreeNames(registry, { id, name }, null);
    const { default: _default, ...given } = input;
    const definition = { given, isTrusted: by.isOperator };
    const createdAtMs = this.#now();
    const build = await this.#prepare(definition, createdAtMs);
    return this.#changeWith(id, build, async () => {
      requireFreeNames(registry, { id, name }, null);
      const record = { id, createdAtMs, ...encodeDefinition(id, definition, this.#box) };
      requireStored(await store.insert(record, settings.modelsMax).catch(refuseUnavailable), id, settings.modelsMax);
      if (isDefault) await store.setDefault(type, id).catch(refuseUnavailable);
      await this.#refresh(new Map([[id, build]]));
    });
  }

  async update(id: string, patch: ModelPatch, by: ModelEditor): Promise<ManagedModel> {
    const { store, registry } = this.#options;
    const { definition, record } = this.#findStored(id);
    if (definition === null) throw unreadable(id);
    const given = patchModel(definition.given, patch);
    const changed = { given, isTrusted: patch.engine === undefined ? definition.isTrusted : by.isOperator };
    const { name = id } = decodeModel(given);
    requireFreeNames(registry, { name }, id);
    const build = haveSameEngine(definition, changed) ? null : await this.#prepare(changed, record.createdAtMs);
    return this.#changeWith(id, build, async () => {
      requireFreeNames(registry, { name }, id);
      const encoded = encodeDefinition(id, changed, this.#box);
      const update = { id, ...encoded, updatedAtMs: this.#now(), version: record.version };
      const isChanged = await store.update(update).catch(refuseUnavailable);
      await this.#refresh(new Map(build === null || !isChanged ? [] : [[id, build]]));
      if (!isChanged) throw changedMeanwhile(id);
    });
  }

  async remove(id: string, { whenBusy }: { readonly whenBusy: "wait" | "refuse" }): Promise<void> {
    const { service, registry, store, logger } = this.#options;
    this.#findStored(id);
    const { closed } = await this.#changes.run(async () => {
      this.#findStored(id);
      // From here on it has no new calls. Where the store fails, the next look at it registers the model again.
      const closing = service.models.remove(id, { whenBusy });
      if (registry.list().some((model) => model.id === id)) await closing;
      this.#stored.forget(id);
      this.#revision = null;
      const reported = closing.catch((thrown: unknown) =>
        logger.error("engine did not close", { model: id, cause: describeThrown(thrown) }),
      );
      await store.remove(id).catch(refuseUnavailable);
      await this.#refresh();
      return { closed: reported };
    }, this.#stopping.signal);
    if (whenBusy === "wait") await closed;
  }

  getDefault(type: ModelType): ManagedModel | null {
    const { registry } = this.#options;
    const model = registry.list().find((candidate) => candidate.type === type && candidate.isDefault);
    return model === undefined ? null : this.#describe(model);
  }

  async setDefault(type: ModelType, id: string): Promise<ManagedModel> {
    const { registry, store } = this.#options;
    return this.#changeWith(id, null, async () => {
      requireType(registry.find(id), type);
      await store.setDefault(type, id).catch(refuseUnavailable);
      await this.#refresh();
    });
  }

  async start(): Promise<void> {
    await this.#changes
      .run(() => this.#refresh(), this.#stopping.signal)
      .catch((thrown: unknown) => this.#reportUnread(thrown));
    this.#poll();
  }

  async close(): Promise<void> {
    clearTimeout(this.#polling);
    this.#stopping.abort(
      new AiError("shutting_down", "The server is shutting down. Please try again in a moment.", {
        retryAfterMs: 1000,
      }),
    );
    await this.#stored.close();
  }

  #startBuild(definition: ModelDefinition, createdAtMs: number): ModelBuild {
    const { builder, settings, logger } = this.#options;
    const config = decodeModel(definition.given);
    const publicAddressesOnly = needsPublicAddresses({ settings, isOperator: definition.isTrusted });
    const onFailed = (thrown: unknown) =>
      logger.warn("model can't be served", { model: config.id, cause: describeThrown(thrown) });
    return startModelBuild(config, { builder, publicAddressesOnly, createdAtMs, pulls: this.#pulls, onFailed });
  }

  /** Looks at the model, and has its engine made. @throws AiError why it can't be served */
  #prepare(definition: ModelDefinition, createdAtMs: number): Promise<ModelBuild> {
    const { signal } = this.#stopping;
    const config = decodeModel(definition.given);
    return this.#checks.run(async () => {
      await checkModelAccess(config, { settings: this.#options.settings, isOperator: definition.isTrusted, signal });
      const build = this.#startBuild(definition, createdAtMs);
      await build.begun.catch((thrown: unknown) => {
        throw explainRefusal(thrown);
      });
      return build;
    }, signal);
  }

  /** Makes a change when no other one is made. An engine that comes to no use is closed. */
  async #changeWith(id: string, build: ModelBuild | null, change: () => Promise<void>): Promise<ManagedModel> {
    try {
      return await this.#changes.run(async () => {
        await change();
        return this.#describe(this.#options.registry.find(id));
      }, this.#stopping.signal);
    } catch (thrown) {
      if (build !== null && this.#stored.get(id)?.build !== build) await this.#stored.discard(build);
      throw thrown;
    }
  }

  /** Reads the store and applies it. Called by one change at a time. */
  async #refresh(prepared: ReadonlyMap<string, ModelBuild> = new Map()): Promise<void> {
    const snapshot = await this.#options.store.read().catch(refuseUnavailable);
    await this.#stored.apply(snapshot, prepared);
    this.#revision = snapshot.revision;
  }

  #poll(): void {
    const { signal } = this.#stopping;
    const look = async () => {
      if ((await this.#options.store.readRevision()) !== this.#revision) await this.#refresh();
      this.#stored.retryFailed();
    };
    this.#polling = setTimeout(() => {
      void this.#changes
        .run(look, signal)
        .catch((thrown: unknown) => this.#reportUnread(thrown))
        .finally(() => !signal.aborted && this.#poll());
    }, this.#options.settings.modelSyncMs);
    this.#polling.unref();
  }

  #reportUnread(thrown: unknown): void {
    if (this.#stopping.signal.aborted) return;
    const cause = thrown instanceof AiError && thrown.cause !== undefined ? thrown.cause : thrown;
    this.#options.logger.warn("stored models can't be read; it is tried again", { cause: describeThrown(cause) });
  }

  #describe({ id, name, type, ownedBy, createdAtMs, isDefault }: RegisteredModel): ManagedModel {
    const source = this.#stored.get(id) === undefined ? "configuration" : "stored";
    return { id, name, type, ownedBy, createdAtMs, isDefault, source };
  }

  #readStatus(model: RegisteredModel): WatchedStatus {
    const status = this.#stored.status(model.id) ?? readModelStatus(model, this.#options.builder.loads());
    return { id: model.id, status };
  }

  #findStored(id: string): StoredEntry {
    this.#options.registry.find(id);
    const entry = this.#stored.get(id);
    if (entry !== undefined) return entry;
    const message = `The model '${id}' is one of the server's configuration: it can't be changed or removed while the server runs.`;
    throw new AiError("invalid_request", message, { param: "id" });
  }
}

/**
 * A name that is another model's, or an alias, would take that one's calls.
 *
 * @param ownId of the model that gets them; null for a new one
 */
function requireFreeNames(
  registry: ModelRegistry,
  names: Readonly<Record<string, string>>,
  ownId: string | null,
): void {
  const others = registry.list().filter(({ id }) => id !== ownId);
  for (const [param, value] of Object.entries(names)) {
    if (!registry.isAlias(value) && !others.some(({ id, name }) => id === value || name === value)) continue;
    throw new AiError("conflict", `There is a model with the id, name or alias '${value}'.`, { param });
  }
}

function requireStored(outcome: "stored" | "taken" | "full", id: string, modelsMax: number): void {
  if (outcome === "taken")
    throw new AiError("conflict", `There is a stored model with the id '${id}'.`, { param: "id" });
  if (outcome !== "full") return;
  const message = `This server stores at most ${modelsMax} models (setting native.modelsMax). Remove one first.`;
  throw new AiError("invalid_request", message);
}

function requireType(model: RegisteredModel, type: ModelType): void {
  if (model.type === type) return;
  const message = `The model '${model.id}' is of type ${model.type}, not ${type}.`;
  throw new AiError("wrong_model_type", message, { param: "type" });
}

function changedMeanwhile(id: string): AiError {
  return new AiError("conflict", `The model '${id}' was changed by somebody else at the same time. Please try again.`, {
    param: "id",
  });
}

function unreadable(id: string): AiError {
  return new AiError("invalid_request", `What is stored of the model '${id}' can't be read: it can only be removed.`, {
    param: "id",
  });
}

function refuseUnavailable(cause: unknown): never {
  const message = "The server's store can't be reached at the moment. Please try again later.";
  throw new AiError("engine_unavailable", message, { cause, retryAfterMs: 1000 });
}
