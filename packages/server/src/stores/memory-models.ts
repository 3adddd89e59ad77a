/** Stored models that are forgotten when the process ends. */

import type { ModelSnapshot, ModelStore, ModelType, StoredModel } from "@openai-compat/core";

export function createMemoryModels(): ModelStore {
  const byId = new Map<string, StoredModel>();
  const defaults = new Map<ModelType, string>();
  let revision = 0;
  return {
    readRevision: async () => revision,
    async read(): Promise<ModelSnapshot> {
      const models = [...byId.values()].toSorted((left, right) => left.createdAtMs - right.createdAtMs);
      return { revision, models, defaults: Object.fromEntries(defaults) };
    },
    async insert(model, modelsMax) {
      if (byId.has(model.id)) return "taken";
      if (byId.size >= modelsMax) return "full";
      byId.set(model.id, { ...model, updatedAtMs: model.createdAtMs, version: (revision += 1) });
      return "stored";
    },
    async update({ version, ...change }) {
      const model = byId.get(change.id);
      if (model?.version !== version) return false;
      byId.set(change.id, { ...model, ...change, version: (revision += 1) });
      return true;
    },
    async remove(id) {
      if (!byId.delete(id)) return false;
      for (const [type, modelId] of defaults) if (modelId === id) defaults.delete(type);
      revision += 1;
      return true;
    },
    async setDefault(type, id) {
      defaults.set(type, id);
      revision += 1;
    },
    async close() {
      byId.clear();
    },
  };
}
