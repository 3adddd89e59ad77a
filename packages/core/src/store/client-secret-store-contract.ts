/**
 * The suite that every `ClientSecretStore` passes: what the interface promises, as tests. Import it from a test file
 * only.
 */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import type { ClientSecretRecord, ClientSecretStore } from "./client-secret-store.ts";

/** @param makeStore opens an empty store of its own each time. */
export function clientSecretStoreContract(
  name: string,
  makeStore: () => ClientSecretStore | Promise<ClientSecretStore>,
): void {
  const open = openForEachTest(makeStore);

  test(`${name} gives a client secret back as it was stored`, async () => {
    const store = await open();
    const records = [
      makeRecord(1, { configuration: '{"type":"transcription","text":"ü \\u0000"}' }),
      makeRecord(2, { maker: { credential: "jwt", credentialSha256: hashOf(7), expiresAtMs: 9_000 } }),
    ];
    for (const record of records) expect(await store.insert(record, 10)).toBe(true);
    for (const record of records) expect(await store.findBySecretSha256(record.secretSha256)).toEqual(record);
    expect(await store.findBySecretSha256(hashOf(3))).toBeNull();
  });

  test(`${name} refuses a second client secret with the same hash, and keeps the first`, async () => {
    const store = await open();
    await store.insert(makeRecord(1), 10);
    await expect(store.insert(makeRecord(1, { accountId: "bob" }), 10)).rejects.toThrow();
    expect(await store.findBySecretSha256(hashOf(1))).toEqual(makeRecord(1));
  });

  test(`${name} stores no more client secrets of an account than it may have, expired ones not counted`, async () => {
    const store = await open();
    expect(await store.insert(makeRecord(1, { expiresAtMs: 2000 }), 2)).toBe(true);
    expect(await store.insert(makeRecord(2), 2)).toBe(true);
    expect(await store.insert(makeRecord(3), 2)).toBe(false);
    expect(await store.findBySecretSha256(hashOf(3))).toBeNull();
    expect(await store.insert(makeRecord(4, { accountId: "bob" }), 2)).toBe(true);
    expect(await store.insert(makeRecord(3, { createdAtMs: 1999, expiresAtMs: 6000 }), 2)).toBe(false);
    expect(await store.insert(makeRecord(3, { createdAtMs: 2000, expiresAtMs: 6000 }), 2)).toBe(true);
  });

  test(`${name} forgets a client secret at its expiry and not before`, async () => {
    const store = await open();
    for (const number of [1, 2, 3]) await store.insert(makeRecord(number, { expiresAtMs: number * 1000 }), 10);
    expect(await store.prune(999)).toBe(0);
    expect(await store.prune(2000)).toBe(2);
    expect(await store.findBySecretSha256(hashOf(2))).toBeNull();
    expect(await store.findBySecretSha256(hashOf(3))).not.toBeNull();
  });
}

function makeRecord(number: number, overrides: Partial<ClientSecretRecord> = {}): ClientSecretRecord {
  return {
    secretSha256: hashOf(number),
    accountId: "account-ü",
    configuration: null,
    maker: { credential: "api-key", credentialSha256: hashOf(99), expiresAtMs: null },
    createdAtMs: 1000,
    expiresAtMs: 5000,
    ...overrides,
  };
}

function hashOf(number: number): string {
  return number.toString(16).padStart(64, "0");
}
