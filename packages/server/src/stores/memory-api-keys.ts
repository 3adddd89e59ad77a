/** API keys that are forgotten when the process ends. */

import type { ApiKeyRecord, ApiKeyStore } from "@openai-compat/core";

export function createMemoryApiKeys(): ApiKeyStore {
  const byId = new Map<string, ApiKeyRecord>();
  const idBySecret = new Map<string, string>();
  return {
    async insert(record) {
      if (byId.has(record.id) || idBySecret.has(record.secretSha256)) {
        throw new Error("There is a key with this id or secret already.");
      }
      byId.set(record.id, record);
      idBySecret.set(record.secretSha256, record.id);
    },
    async findBySecretSha256(secretSha256) {
      const id = idBySecret.get(secretSha256);
      return (id === undefined ? undefined : byId.get(id)) ?? null;
    },
    async list() {
      return [...byId.values()].sort((a, b) => b.createdAtMs - a.createdAtMs);
    },
    async revoke(id, revokedAtMs) {
      const record = byId.get(id);
      if (record === undefined) return false;
      byId.set(id, { ...record, revokedAtMs: record.revokedAtMs ?? revokedAtMs });
      return true;
    },
    async close() {
      byId.clear();
      idBySecret.clear();
    },
  };
}
