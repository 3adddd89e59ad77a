/**
 * The suite that every `TokenRevocationStore` passes: what the interface promises, as tests. Import it from a test file
 * only.
 */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import type { TokenRevocationStore } from "./token-revocation-store.ts";

/** @param makeStore opens an empty store of its own each time. */
export function tokenRevocationStoreContract(
  name: string,
  makeStore: () => TokenRevocationStore | Promise<TokenRevocationStore>,
): void {
  const open = openForEachTest(makeStore);

  test(`${name} knows a revoked token, and it alone`, async () => {
    const store = await open();
    await store.revoke(hashOf(1), 5000);
    expect(await store.isRevoked(hashOf(1))).toBe(true);
    expect(await store.isRevoked(hashOf(2))).toBe(false);
  });

  test(`${name} forgets a token at its expiry and not before`, async () => {
    const store = await open();
    await store.revoke(hashOf(1), 5000);
    expect(await store.prune(4999)).toBe(0);
    expect(await store.isRevoked(hashOf(1))).toBe(true);
    expect(await store.prune(5000)).toBe(1);
    expect(await store.isRevoked(hashOf(1))).toBe(false);
  });

  test(`${name} says how many it forgot and keeps the others`, async () => {
    const store = await open();
    for (const number of [1, 2, 3]) await store.revoke(hashOf(number), number * 1000);
    expect(await store.prune(2000)).toBe(2);
    expect(await store.isRevoked(hashOf(3))).toBe(true);
    expect(await store.prune(2000)).toBe(0);
  });

  test(`${name} keeps the later expiry of a token that is revoked twice`, async () => {
    const store = await open();
    for (const expiresAtMs of [5000, 9000, 7000]) await store.revoke(hashOf(1), expiresAtMs);
    expect(await store.prune(8999)).toBe(0);
    expect(await store.isRevoked(hashOf(1))).toBe(true);
    expect(await store.prune(9000)).toBe(1);
  });

  test(`${name} keeps an expired token until it is deleted`, async () => {
    const store = await open();
    await store.revoke(hashOf(1), 1);
    expect(await store.isRevoked(hashOf(1))).toBe(true);
  });

  test(`${name} takes the latest expiry that there is`, async () => {
    const store = await open();
    await store.revoke(hashOf(1), Number.MAX_SAFE_INTEGER);
    expect(await store.prune(Number.MAX_SAFE_INTEGER - 1)).toBe(0);
    expect(await store.isRevoked(hashOf(1))).toBe(true);
  });

  test(`${name} takes revocations that come at the same time`, async () => {
    const store = await open();
    const hashes = Array.from({ length: 20 }, (_, number) => hashOf(number));
    await Promise.all([...hashes, ...hashes].map((hash) => store.revoke(hash, 5000)));
    expect(await Promise.all(hashes.map((hash) => store.isRevoked(hash)))).toEqual(hashes.map(() => true));
    expect(await store.prune(5000)).toBe(20);
  });
}

function hashOf(number: number): string {
  return number.toString(16).padStart(64, "0");
}
