import { expect, test, vi } from "vitest";
import { createMemoryStores } from "./memory.ts";
import { startStoreSweeper } from "./store-sweeper.ts";

test("holds, revocations and client secrets whose time has come are cleared away at once, and then now and then", async () => {
  const stores = createMemoryStores();
  const { clientSecrets, credits, tokenRevocations } = stores;
  const hash = "ab".repeat(32);
  await credits.grant({ id: "g", accountId: "ada", amount: 100, note: "tests", nowMs: 1 });
  await credits.hold({ id: "old", accountId: "ada", amount: 40, nowMs: 1, expiresAtMs: 1000 });
  await tokenRevocations.revoke(hash, 1000);
  const maker = { credential: "jwt", credentialSha256: hash, expiresAtMs: 1000 } as const;
  const secret = { secretSha256: hash, accountId: "ada", configuration: null, maker };
  await clientSecrets.insert({ ...secret, createdAtMs: 1, expiresAtMs: 1000 }, 1);
  let nowMs = 1000;
  const sweeper = startStoreSweeper(stores, {
    onError: (error) => {
      throw error;
    },
    everyMs: 5,
    now: () => nowMs,
  });
  await vi.waitFor(async () => expect(await credits.readBalance("ada")).toEqual({ balance: 100, held: 0 }));
  expect(await tokenRevocations.isRevoked(hash)).toBe(false);
  expect(await clientSecrets.findBySecretSha256(hash)).toBeNull();
  await credits.hold({ id: "new", accountId: "ada", amount: 40, nowMs, expiresAtMs: 2000 });
  nowMs = 2000;
  await vi.waitFor(async () => expect((await credits.readBalance("ada")).held).toBe(0));
  await sweeper.stop();
});

test("a store that fails is reported, and swept again", async () => {
  const stores = createMemoryStores();
  let failures = 0;
  const credits = { ...stores.credits, expireHolds: () => Promise.reject(new Error("disk full")) };
  const sweeper = startStoreSweeper({ ...stores, credits }, { onError: () => void (failures += 1), everyMs: 5 });
  await vi.waitFor(() => expect(failures).toBeGreaterThan(1));
  await sweeper.stop();
});
