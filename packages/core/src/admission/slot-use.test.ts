import { expect, test } from "vitest";
import { ceilUse, createSlotUse } from "./slot-use.ts";

function setUp() {
  let nowMs = 0;
  const use = createSlotUse(() => nowMs);
  const pass = (ms: number) => void (nowMs += ms);
  const callFor = (accountId: string, ms: number) => {
    use.take(accountId);
    pass(ms);
    use.giveBack(accountId);
  };
  return { use, pass, callFor };
}

const NO_ACCOUNTS: ReadonlySet<string> = new Set();

test("slots count while they are held, and no less than that however short", () => {
  const { use } = setUp();
  use.take("ada");
  use.take("ada");
  use.take("bob");
  expect([use.of("ada"), use.of("bob"), use.of("eve"), use.total]).toEqual([2, 1, 0, 3]);
  expect([use.ofOthers("ada"), use.ofOthers("bob"), use.ofOthers("eve")]).toEqual([1, 2, 3]);
  use.giveBack("ada");
  expect([use.of("ada"), use.ofOthers("bob"), use.total]).toEqual([1, 1, 2]);
});

test("a slot that was held for long counts until 15 s after its end", () => {
  const { use, pass, callFor } = setUp();
  callFor("ada", 60_000);
  pass(14_900);
  expect(ceilUse(use.ofOthers("bob"))).toBe(1);
  pass(200);
  expect(ceilUse(use.ofOthers("bob"))).toBe(0);
});

test("a call of 0.2 s counts for nothing when it has ended, but such calls in a row do", () => {
  const { use, pass, callFor } = setUp();
  callFor("ada", 200);
  expect(ceilUse(use.ofOthers("bob"))).toBe(0);
  for (let call = 0; call < 5; call += 1) {
    callFor("ada", 200);
    pass(100);
  }
  expect(ceilUse(use.ofOthers("bob"))).toBe(1);
});

test("an account's own use is none of the others'", () => {
  const { use, pass, callFor } = setUp();
  callFor("ada", 60_000);
  use.take("ada");
  pass(3000);
  expect(ceilUse(use.ofOthers("ada"))).toBe(0);
});

test("accounts count that hold a slot or are listed, and the others together as their use", () => {
  const { use, pass, callFor } = setUp();
  for (let round = 0; round < 10; round += 1) {
    for (const accountId of ["a", "b", "c", "d", "e"]) callFor(accountId, 200);
    pass(1000);
  }
  expect(use.countAccounts(NO_ACCOUNTS)).toBe(1);
  expect(use.countAccounts(new Set(["f"]))).toBe(2);
  use.take("g");
  expect(use.countAccounts(new Set(["f", "g"]))).toBe(3);
});

test("accounts that use nothing any more are forgotten, and those that hold a slot never", () => {
  const { use, pass, callFor } = setUp();
  use.take("ada");
  for (let account = 0; account < 1000; account += 1) {
    callFor(`account ${account}`, 10_000);
    pass(10_000);
  }
  expect(use.accountsKnown).toBeLessThan(40);
  expect(use.of("ada")).toBe(1);
});
