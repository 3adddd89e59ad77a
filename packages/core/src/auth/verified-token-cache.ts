/**
 * Remembers tokens that were verified, so that a busy client pays for the signature once. Bounded, least recently used
 * first out, and never past the token's own `exp`. Holds hashes, not tokens.
 */

import { createHash } from "node:crypto";
import type { Principal } from "./principal.ts";

interface Entry {
  readonly principal: Principal;
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
}

export interface VerifiedTokenCache {
  get(token: string, nowMs: number): Principal | null;
  set(token: string, entry: Entry): void;
}

/** @param entriesMax how many tokens are remembered. */
export function createVerifiedTokenCache(entriesMax: number): VerifiedTokenCache {
  const entries = new Map<string, Entry>();
  const keyOf = (token: string) => createHash("sha256").update(token).digest("base64url");
  return {
    get(token, nowMs) {
      const key = keyOf(token);
      const entry = entries.get(key);
      if (entry === undefined) return null;
      entries.delete(key);
      if (nowMs >= entry.expiresAtMs || nowMs < entry.notBeforeMs) return null;
      entries.set(key, entry);
      return entry.principal;
    },
    set(token, entry) {
      entries.set(keyOf(token), entry);
      if (entries.size <= entriesMax) return;
      const oldest = entries.keys().next();
      if (oldest.done !== true) entries.delete(oldest.value);
    },
  };
}
