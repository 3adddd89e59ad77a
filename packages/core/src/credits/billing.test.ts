import fc from "fast-check";
import { expect, onTestFinished, test, vi } from "vitest";
import { createFakeCreditStore } from "../testing/fake-stores.ts";
import { NO_USAGE } from "../usage.ts";
import { createBilling } from "./billing.ts";
import { FREE_OF_CHARGE, priceUsage } from "./prices.ts";
import { SETTLEMENTS_PENDING_MAX } from "./settlements.ts";

/** An input token costs one micro-credit. */
const prices = { ...FREE_OF_CHARGE, perMillionInputTokens: 1_000_000 };
const bill = {
  accountId: "ada",
  operation: "ai_prompt",
  modelId: "fake",
  requestId: "req_1",
  prices,
  holdLifetimeMs: 60_000,
} as const;

const tokens = (inputTokens: number) => ({ ...NO_USAGE, inputTokens });

function setUp(granted: number) {
  const clock = { nowMs: 0 };
  const credits = createFakeCreditStore(granted);
  const readBalance = vi.spyOn(credits, "readBalance");
  const hold = vi.spyOn(credits, "hold");
  const onLost = vi.fn();
  const billing = createBilling({
    store: credits,
    now: () => clock.nowMs,
    onPending: () => {},
    onLost,
  });
  return { billing, credits, readBalance, hold, onLost, clock };
}

test("a hold is what the bound costs, for as long as a call may wait and run", async () => {
  const { billing, credits, clock } = setUp(100);
  clock.nowMs = 5000;
  const { amount } = await billing.reserve(bill, tokens(7));
  expect(amount).toBe(7);
  expect([...credits.holds.values()]).toEqual([
    { id: expect.stringMatching(/^hold_/), accountId: "ada", amount: 7, nowMs: 5000, expiresAtMs: 65_000 },
  ]);
});

test("what was used is charged, never more than was held, and the rest is free again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 100 }), fc.nat(200), async (bound, used) => {
      const { billing, credits } = setUp(100);
      const reservation = await billing.reserve(bill, tokens(bound));
      const charged = await reservation.settle(tokens(used));
      expect(charged).toBe(Math.min(bound, used));
      expect(await credits.readBalance("ada")).toEqual({ balance: 100 - charged, held: 0 });
    }),
  );
});

test("a voided hold is given back and nothing of it is logged", async () => {
  const { billing, credits } = setUp(100);
  await (await billing.reserve(bill, tokens(7))).void();
  expect(credits.entries).toEqual([]);
  expect(await credits.readBalance("ada")).toEqual({ balance: 100, held: 0 });
});

test("a call that can't cost anything holds nothing, of whatever account, and is logged when it has ended", async () => {
  const { billing, credits, hold, clock } = setUp(0);
  const free = { ...bill, prices: FREE_OF_CHARGE };
  const reservation = await billing.reserve(free, tokens(7));
  expect(reservation.amount).toBe(0);
  clock.nowMs = 9;
  expect(await reservation.settle(tokens(3))).toBe(0);
  expect(hold).not.toHaveBeenCalled();
  expect(credits.entries).toMatchObject([
    { accountId: "ada", requestId: "req_1", modelId: "fake", amount: 0, units: { inputTokens: 3 }, createdAtMs: 9 },
  ]);
});

test("a call that cost nothing and could not be logged is logged later, and not reported", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { billing, credits, onLost } = setUp(0);
  credits.failures.settle.push(new Error("busy"));
  const reservation = await billing.reserve({ ...bill, prices: FREE_OF_CHARGE }, tokens(7));
  const settled = reservation.settle(tokens(3));
  await vi.advanceTimersByTimeAsync(1000);
  await settled;
  expect(credits.entries).toHaveLength(1);
  expect(onLost).not.toHaveBeenCalled();
});

test("a free call that produced nothing is not logged", async () => {
  const { billing, credits } = setUp(0);
  await (await billing.reserve({ ...bill, prices: FREE_OF_CHARGE }, tokens(7))).void();
  expect(credits.entries).toEqual([]);
});

test.each([
  [1, 0, "0.000001", "0"],
  [1_000_000, 999_999, "1", "0.999999"],
  [1_500_000, 100_000, "1.5", "0.1"],
  [12_000_010, 10_000_000, "12.00001", "10"],
])(
  "of a hold of %i the refusal says in credits what it would be and what is there",
  async (bound, granted, ...said) => {
    const { billing } = setUp(granted);
    await expect(billing.reserve(bill, tokens(bound))).rejects.toMatchObject({
      code: "quota_exceeded",
      message:
        `You exceeded your current quota: this call may cost up to ${said[0]} credits and ${said[1]} are available. ` +
        "Add credits, ask for fewer tokens, or wait for running calls to end.",
    });
  },
);

test("a store that fails refuses the call with a time after which to retry, and why for the operator", async () => {
  const { billing, credits } = setUp(100);
  const cause = new Error("disk full");
  const refused = { code: "billing_unavailable", message: expect.stringContaining("try again"), retryAfterMs: 1000 };
  credits.failures.hold.push(cause);
  await expect(billing.reserve(bill, tokens(1))).rejects.toMatchObject({ ...refused, cause });
  credits.readBalance = () => Promise.reject(cause);
  await expect(billing.requireCredits("ada")).rejects.toMatchObject({ ...refused, cause });
});

test("while too many settlements are pending no new call is taken", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { billing, credits } = setUp(1000);
  credits.settle = () => new Promise(() => {});
  const reservation = await billing.reserve(bill, tokens(1));
  for (let count = 1; count < SETTLEMENTS_PENDING_MAX; count += 1) void reservation.settle(NO_USAGE);
  await billing.reserve(bill, tokens(1));
  void reservation.settle(NO_USAGE);
  await expect(billing.reserve(bill, tokens(1))).rejects.toMatchObject({
    code: "billing_unavailable",
    cause: { message: expect.stringContaining(String(SETTLEMENTS_PENDING_MAX)) },
  });
});

test("an account that had credits is read again after a second, and not before", async () => {
  const { billing, readBalance, clock } = setUp(1);
  for (const [atMs, reads] of [
    [0, 1],
    [999, 1],
    [1000, 2],
  ] as const) {
    clock.nowMs = atMs;
    await billing.requireCredits("ada");
    expect(readBalance).toHaveBeenCalledTimes(reads);
  }
  await billing.requireCredits("bob");
  expect(readBalance).toHaveBeenCalledTimes(3);
});

test("an account without credits is read each time, so that a grant counts at once", async () => {
  const { billing, credits } = setUp(0);
  await expect(billing.requireCredits("ada")).rejects.toMatchObject({
    code: "quota_exceeded",
    message: expect.stringContaining("no credits are available"),
  });
  credits.readBalance = async () => ({ balance: 1, held: 0 });
  await billing.requireCredits("ada");
});

test("an account whose credits are all held has none, and one whose hold was refused is read again", async () => {
  const { billing, readBalance } = setUp(10);
  await billing.requireCredits("ada");
  await billing.reserve(bill, tokens(10));
  await billing.requireCredits("ada");
  await expect(billing.reserve(bill, tokens(1))).rejects.toMatchObject({ code: "quota_exceeded" });
  readBalance.mockClear();
  await expect(billing.requireCredits("ada")).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(readBalance).toHaveBeenCalledTimes(1);
});

test("of 10,000 accounts it is remembered that they had credits; one more and all are forgotten", async () => {
  const { billing, readBalance } = setUp(1);
  for (let account = 0; account < 10_000; account += 1) await billing.requireCredits(`account ${account}`);
  readBalance.mockClear();
  await billing.requireCredits("account 0");
  expect(readBalance).toHaveBeenCalledTimes(0);
  await billing.requireCredits("one more");
  await billing.requireCredits("account 0");
  expect(readBalance).toHaveBeenCalledTimes(2);
});

test("what is held in stretches is charged as a whole, each hold for its part, and unused ones are given back", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 6 }),
      fc.nat(200),
      fc.constantFrom(1, 3, 333_333, 1_000_000, 2_500_001),
      async ([first = 1, ...more], used, perMillionInputTokens) => {
        const { billing, credits } = setUp(1_000_000);
        const paid = { ...bill, prices: { ...FREE_OF_CHARGE, perMillionInputTokens } };
        const reservation = await billing.reserve(paid, tokens(first));
        for (const tokensMore of more) await reservation.extend(tokens(tokensMore));
        const bound = first + more.reduce((sum, count) => sum + count, 0);
        expect(reservation.amount).toBe(priceUsage(paid.prices, tokens(bound)));
        const charged = await reservation.settle(tokens(used));
        expect(charged).toBe(priceUsage(paid.prices, tokens(Math.min(bound, used))));
        expect(await credits.readBalance("ada")).toEqual({ balance: 1_000_000 - charged, held: 0 });
        const logged = credits.entries.map((entry) => ("units" in entry ? entry.units.inputTokens : 0));
        expect(logged.reduce((sum, count) => sum + count, 0)).toBe(used);
      },
    ),
  );
});

test("a hold that can't be extended keeps what it has, and is resolved as it is", async () => {
  const { billing, credits } = setUp(10);
  const reservation = await billing.reserve(bill, tokens(7));
  await expect(reservation.extend(tokens(7))).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(reservation.amount).toBe(7);
  await reservation.void();
  expect(await credits.readBalance("ada")).toEqual({ balance: 10, held: 0 });
});

test("a hold that arrives after the end of its call is given back", async () => {
  const { billing, credits, hold } = setUp(100);
  const reservation = await billing.reserve(bill, tokens(7));
  const { promise: isHeld, resolve } = Promise.withResolvers<void>();
  const take = credits.hold.bind(credits);
  hold.mockImplementationOnce(async (more) => {
    await isHeld;
    return take(more);
  });
  const extended = reservation.extend(tokens(5));
  await reservation.settle(tokens(3));
  resolve();
  await expect(extended).rejects.toMatchObject({ code: "cancelled" });
  expect(await credits.readBalance("ada")).toEqual({ balance: 97, held: 0 });
});
