/**
 * Remembers tokens that were verified, so that a busy client pays for the signature once. Bounded, least recently used
 * first out, never past the token's own `exp`, and never past the keys that it was verified with. It knows nothing of
 * revocations: those are asked for on every call. Holds hashes, not tokens.
 */

import { hash } from "node:crypto";
import type { Principal } from "../principal.ts";

export interface RememberedToken {
  readonly principal: Principal;
  readonly notBeforeMs: number;
  readonly expiresAtMs: number;
  /** Of the key set that held the key; null when the secret signed. */
  readonly keySetRevision: number | null;
}

export interface VerifiedTokenCache {
  /** @param usable what holds now; a token of another revision is forgotten, and so is one outside its time. */
  get(
    token: string,
    usable: { readonly nowMs: number; readonly keySetRevision: number | null },
  ): RememberedToken | null;
  set(token: string, entry: RememberedToken): void;
}

/** @param entriesMax how many tokens are remembered. */
export function createVerifiedTokenCache(entriesMax: number): VerifiedTokenCache {
  const entries = new Map<string, RememberedToken>();
  // The whole token, signature included: with another signature it is another token, and not a verified one.
  const keyOf = (token: string) => hash("sha256", token, "base64url");
  return {
    get(token, { nowMs, keySetRevision }) {
      const key = keyOf(token);
      const entry = entries.get(key);
      if (entry === undefined) return null;
      entries.delete(key);
      if (nowMs >= entry.expiresAtMs || nowMs < entry.notBeforeMs) return null;
      if (entry.keySetRevision !== null && entry.keySetRevision !== keySetRevision) return null;
      entries.set(key, entry);
      return entry;
    },
    set(token, entry) {
      entries.set(keyOf(token), entry);
      if (entries.size <= entriesMax) return;
      const oldest = entries.keys().next();
      if (oldest.done !== true) entries.delete(oldest.value);
    },
  };
}
