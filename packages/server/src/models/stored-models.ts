/**
 * The stored models as this server has them registered: what the store has is applied here, whoever stored it, and a
 * model that can't be served is registered all the same, so that its calls say why. It writes nothing to the store.
 */

import { AiError, MODEL_TYPES } from "@openai-compat/core";
import type { AiService, ModelRegistry, ModelSnapshot, RegisteredModel, StoredModel } from "@openai-compat/core";
import { setTimeout as sleep } from "node:timers/promises";
import { describeThrown } from "../describe-thrown.ts";
import type { Logger } from "../operations/logger.ts";
import type { BuiltModel, ModelBuilder } from "../resolve-models.ts";
import { failedBuild } from "./model-build.ts";
import type { ModelBuild } from "./model-build.ts";
import { decodeDefinition, decodeModel, guessType, haveSameEngine } from "./model-definition.ts";
import type { ModelDefinition } from "./model-definition.ts";
import type { ModelStatus } from "./model-status.ts";
import { SecretUnreadableError } from "./secret-box.ts";
import type { SecretBox } from "./secret-box.ts";

export interface StoredEntry {
  record: StoredModel;
  /** Null where it can't be read. */
  definition: ModelDefinition | null;
  build: ModelBuild;
  /** When a failed build is tried again. */
  retryAtMs: number;
}

export interface StoredModels {
  get(id: string): StoredEntry | undefined;
  /** While its engine is made, or could not be; null once it is there, and for another model. */
  status(id: string): ModelStatus | null;
  /**
   * Makes this server's models those of the snapshot. One call at a time.
   *
   * @param prepared engines that are made already, by the id of their model
   */
  apply(snapshot: ModelSnapshot, prepared: ReadonlyMap<string, ModelBuild>): Promise<void>;
  /** Starts failed builds anew whose time has come. */
  retryFailed(): void;
  /** What this server has of the model is forgotten; the caller has removed it from the service. */
  forget(id: string): void;
  /** Closes an engine that is in no use, whenever it is there. */
  discard(build: ModelBuild): Promise<void>;
  /** Stops what is being made, and waits for it. */
  close(): Promise<void>;
}

export interface StoredModelsOptions {
  readonly service: Pick<AiService, "models">;
  /** Its models are those of the configuration. */
  readonly registry: ModelRegistry;
  readonly builder: ModelBuilder;
  readonly box: SecretBox;
  readonly startBuild: (definition: ModelDefinition, createdAtMs: number) => ModelBuild;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

const RETRY_MS = 60_000;
/** How long the engine of a model is waited for before it is registered without one. */
const BUILD_WAIT_MS = 3000;

export function createStoredModels(options: StoredModelsOptions): StoredModels {
  return new StoredModelSet(options);
}

class StoredModelSet implements StoredModels {
  readonly #options: StoredModelsOptions;
  readonly #configured: readonly RegisteredModel[];
  readonly #entries = new Map<string, StoredEntry>();
  #isClosed = false;

  constructor(options: StoredModelsOptions) {
    this.#options = options;
    this.#configured = options.registry.list();
  }

  get(id: string): StoredEntry | undefined {
    return this.#entries.get(id);
  }

  status(id: string): ModelStatus | null {
    return this.#entries.get(id)?.build.status() ?? null;
  }

  async apply(snapshot: ModelSnapshot, prepared: ReadonlyMap<string, ModelBuild>): Promise<void> {
    const ids = new Set(snapshot.models.map(({ id }) => id));
    for (const id of this.#entries.keys()) {
      if (ids.has(id)) continue;
      this.forget(id);
      void this.#report(this.#options.service.models.remove(id, { whenBusy: "wait" }), id);
    }
    for (const record of snapshot.models) {
      const { id } = record;
      if (!this.#configured.some((model) => model.id === id)) await this.#applyRecord(record, prepared.get(id));
      else {
        const { logger } = this.#options;
        logger.warn("stored model has the id of one of the configuration, which is served", { model: id });
      }
    }
    this.#applyDefaults(snapshot.defaults);
  }

  retryFailed(): void {
    const { now } = this.#options;
    for (const entry of this.#entries.values()) {
      if (entry.build.status()?.state !== "failed" || now() < entry.retryAtMs) continue;
      Object.assign(entry, { ...this.#begin(entry.record), retryAtMs: now() + RETRY_MS });
      this.#useBuild(entry);
    }
  }

  forget(id: string): void {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    entry?.build.stop();
    this.#options.builder.forgetLoads(id);
  }

  async discard(build: ModelBuild): Promise<void> {
    build.stop();
    const built = await build.done;
    if (built !== null) await this.#report(built.model.engine.close(), built.model.id);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const builds = Array.from(this.#entries.values(), ({ build }) => build);
    for (const build of builds) build.stop();
    await Promise.all(builds.map(({ done }) => done));
  }

  async #applyRecord(record: StoredModel, prepared: ModelBuild | undefined): Promise<void> {
    const { box, now, registry } = this.#options;
    const before = this.#entries.get(record.id);
    if (before?.record.version === record.version) return;
    if (before !== undefined && before.definition !== null && prepared === undefined) {
      const definition = tryDecode(record, box);
      if (definition !== null && haveSameEngine(before.definition, definition)) {
        Object.assign(before, { record, definition });
        this.#register(before, registry.find(record.id).engine);
        return;
      }
    }
    const begun =
      prepared === undefined ? this.#begin(record) : { definition: tryDecode(record, box), build: prepared };
    await Promise.race([begun.build.begun.catch(() => {}), sleep(BUILD_WAIT_MS, undefined, { ref: false })]);
    before?.build.stop();
    const entry = { record, ...begun, retryAtMs: now() + RETRY_MS };
    this.#entries.set(record.id, entry);
    this.#useBuild(entry);
  }

  #begin(record: StoredModel): { definition: ModelDefinition | null; build: ModelBuild } {
    const { box, startBuild, logger } = this.#options;
    try {
      const definition = decodeDefinition(record, box);
      return { definition, build: startBuild(definition, record.createdAtMs) };
    } catch (thrown) {
      logger.warn("stored model can't be used", { model: record.id, cause: describeThrown(thrown) });
      return { definition: null, build: failedBuild(record.id, describeUnreadable(thrown)) };
    }
  }

  #useBuild(entry: StoredEntry): void {
    const { build } = entry;
    const { id } = entry.record;
    const take = (built: BuiltModel) => {
      this.#register(entry, built.model.engine);
      built.showLoads();
    };
    const built = build.result();
    if (built !== null) {
      take(built);
      return;
    }
    this.#register(entry, build.engine);
    void build.done.then((late) => {
      if (late === null) return;
      const isCurrent = !this.#isClosed && this.#entries.get(id) === entry && entry.build === build;
      if (isCurrent) take(late);
      else void this.#report(late.model.engine.close(), id);
    });
  }

  #register(entry: StoredEntry, engine: RegisteredModel["engine"]): void {
    const { registry, service } = this.#options;
    const model = this.#describe(entry, engine);
    const known = registry.list().find(({ id }) => id === model.id);
    if (known === undefined) service.models.add(model);
    else void this.#report(service.models.replace(model), model.id);
  }

  /** The model with this engine, as the store describes it. */
  #describe({ record, definition }: StoredEntry, engine: RegisteredModel["engine"]): RegisteredModel {
    const { registry, builder } = this.#options;
    const { id, createdAtMs } = record;
    const given = definition?.given ?? { id, type: guessType(record), engine: { kind: "scripted" } };
    const described = builder.describe(decodeModel(given), createdAtMs);
    const known = registry.list().find((model) => model.id === id);
    // A default of another type would be one too many.
    return { ...described, engine, isDefault: known?.type === described.type && known.isDefault };
  }

  /** What was said last, else what the configuration says, else a stored model that is the only one of its type. */
  #applyDefaults(defaults: ModelSnapshot["defaults"]): void {
    const { registry, service } = this.#options;
    for (const type of MODEL_TYPES) {
      const ofType = registry.list().filter((model) => model.type === type);
      const isThere = (id: string | undefined) => ofType.some((model) => model.id === id);
      const ofConfiguration = this.#configured.find((model) => model.type === type && model.isDefault)?.id;
      const only = ofType.length === 1 ? ofType.find(({ id }) => this.#entries.has(id))?.id : undefined;
      const chosen = [defaults[type], ofConfiguration, only].find(isThere) ?? null;
      const current = ofType.find(({ isDefault }) => isDefault)?.id ?? null;
      if (current !== chosen) service.models.setDefault(type, chosen);
    }
  }

  #report(work: Promise<void>, model: string): Promise<void> {
    const { logger } = this.#options;
    return work.catch((thrown: unknown) =>
      logger.error("engine did not close", { model, cause: describeThrown(thrown) }),
    );
  }
}

function tryDecode(record: StoredModel, box: SecretBox): ModelDefinition | null {
  try {
    return decodeDefinition(record, box);
  } catch {
    // Whoever needs it says why.
    return null;
  }
}

/** Others than these may show what is in the store. */
function describeUnreadable(thrown: unknown): string {
  const isForCallers = thrown instanceof SecretUnreadableError || thrown instanceof AiError;
  return isForCallers ? thrown.message : "What is stored of it can't be read; the server's log says why.";
}
