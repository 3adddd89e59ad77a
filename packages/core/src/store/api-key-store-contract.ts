/**
 * The suite that every `ApiKeyStore` passes: what the interface promises, as tests. Import it from a test file only.
 */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import type { ApiKeyRecord, ApiKeyStore } from "./api-key-store.ts";

/** @param makeStore opens an empty store of its own each time. */
export function apiKeyStoreContract(name: string, makeStore: () => ApiKeyStore | Promise<ApiKeyStore>): void {
  const open = openForEachTest(makeStore);

  test(`${name} gives a key back as it was stored`, async () => {
    const store = await open();
    const record = makeRecord(1, { expiresAtMs: 5000 });
    await store.insert(record);
    expect(await store.findBySecretSha256(record.secretSha256)).toEqual(record);
  });

  test(`${name} knows no key that was not stored`, async () => {
    const store = await open();
    await store.insert(makeRecord(1));
    expect(await store.findBySecretSha256(makeRecord(2).secretSha256)).toBeNull();
  });

  test(`${name} refuses a second key with the same id`, async () => {
    const store = await open();
    await store.insert(makeRecord(1));
    await expect(store.insert({ ...makeRecord(2), id: makeRecord(1).id })).rejects.toThrow();
    expect(await store.list()).toEqual([makeRecord(1)]);
  });

  test(`${name} refuses a second key with the same secret`, async () => {
    const store = await open();
    await store.insert(makeRecord(1));
    await expect(store.insert({ ...makeRecord(2), secretSha256: makeRecord(1).secretSha256 })).rejects.toThrow();
    expect(await store.list()).toEqual([makeRecord(1)]);
  });

  test(`${name} lists the newest key first`, async () => {
    const store = await open();
    for (const number of [2, 3, 1]) await store.insert(makeRecord(number));
    expect((await store.list()).map((record) => record.id)).toEqual(["key_3", "key_2", "key_1"]);
  });

  test(`${name} still finds expired and revoked keys, for the authenticator to judge`, async () => {
    const store = await open();
    const record = makeRecord(1, { expiresAtMs: 1 });
    await store.insert(record);
    expect(await store.revoke(record.id, 77)).toBe(true);
    expect(await store.findBySecretSha256(record.secretSha256)).toEqual({ ...record, revokedAtMs: 77 });
  });

  test(`${name} keeps the first time when a key is revoked twice`, async () => {
    const store = await open();
    await store.insert(makeRecord(1));
    await store.revoke("key_1", 77);
    expect(await store.revoke("key_1", 99)).toBe(true);
    expect((await store.list())[0]?.revokedAtMs).toBe(77);
  });

  test(`${name} says when there is no key to revoke`, async () => {
    const store = await open();
    expect(await store.revoke("key_1", 77)).toBe(false);
  });
}

function makeRecord(number: number, overrides: Partial<ApiKeyRecord> = {}): ApiKeyRecord {
  return {
    id: `key_${number}`,
    secretSha256: String(number).repeat(64).slice(0, 64),
    secretTail: "tail",
    accountId: "account-ü",
    name: `Key ${number}`,
    capabilities: [{ domain: "ai", pointers: ["*"], can: ["PROMPT", "READ"] }],
    createdAtMs: 1_700_000_000_000 + number,
    expiresAtMs: null,
    revokedAtMs: null,
    ...overrides,
  };
}
