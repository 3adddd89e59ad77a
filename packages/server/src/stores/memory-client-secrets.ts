/** Client secrets that are forgotten when the process ends. */

import type { ClientSecretRecord, ClientSecretStore } from "@openai-compat/core";

export function createMemoryClientSecrets(): ClientSecretStore {
  const bySecret = new Map<string, ClientSecretRecord>();
  return {
    async insert(record, accountMax) {
      if (bySecret.has(record.secretSha256)) throw new Error("There is a client secret with this hash already.");
      const usable = [...bySecret.values()].filter(
        ({ accountId, expiresAtMs }) => accountId === record.accountId && expiresAtMs > record.createdAtMs,
      );
      if (usable.length >= accountMax) return false;
      bySecret.set(record.secretSha256, record);
      return true;
    },
    async findBySecretSha256(secretSha256) {
      return bySecret.get(secretSha256) ?? null;
    },
    async prune(nowMs) {
      const due = [...bySecret.values()].filter(({ expiresAtMs }) => expiresAtMs <= nowMs);
      for (const { secretSha256 } of due) bySecret.delete(secretSha256);
      return due.length;
    },
    async close() {
      bySecret.clear();
    },
  };
}
