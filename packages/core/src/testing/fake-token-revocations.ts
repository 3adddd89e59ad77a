/** Revoked tokens in memory, for tests of what asks for them; the stores' own promises have a contract suite. */

import type { TokenRevocationStore } from "../store/token-revocation-store.ts";

export function fakeTokenRevocations(): TokenRevocationStore {
  const revoked = new Set<string>();
  return {
    revoke: async (tokenSha256) => void revoked.add(tokenSha256),
    isRevoked: async (tokenSha256) => revoked.has(tokenSha256),
    prune: async () => 0,
    close: async () => {},
  };
}
