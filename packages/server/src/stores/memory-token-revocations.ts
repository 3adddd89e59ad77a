/** Revoked tokens that are forgotten when the process ends. */

import type { TokenRevocationStore } from "@openai-compat/core";

export function createMemoryTokenRevocations(): TokenRevocationStore {
  const expiries = new Map<string, number>();
  return {
    async revoke(tokenSha256, expiresAtMs) {
      expiries.set(tokenSha256, Math.max(expiresAtMs, expiries.get(tokenSha256) ?? 0));
    },
    async isRevoked(tokenSha256) {
      return expiries.has(tokenSha256);
    },
    async prune(nowMs) {
      const due = [...expiries].filter(([, expiresAtMs]) => expiresAtMs <= nowMs);
      for (const [tokenSha256] of due) expiries.delete(tokenSha256);
      return due.length;
    },
    async close() {
      expiries.clear();
    },
  };
}
