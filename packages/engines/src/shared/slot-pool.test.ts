import { expect, test } from "vitest";
import { createSlotPool } from "./slot-pool.ts";

const never = new AbortController().signal;

test("waiters get slots in the order of their requests", async () => {
  const pool = createSlotPool(["only"]);
  const slot = await pool.acquire(never);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (number) => {
    const mine = await pool.acquire(never);
    order.push(number);
    pool.release(mine);
  });
  pool.release(slot);
  await Promise.all(waiting);
  expect(order).toEqual([1, 2, 3]);
});

test("a waiter that aborts leaves the queue with the signal's reason", async () => {
  const pool = createSlotPool(["only"]);
  const slot = await pool.acquire(never);
  const controller = new AbortController();
  const left = pool.acquire(controller.signal);
  const patient = pool.acquire(never);
  controller.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  pool.release(slot);
  expect(await patient).toBe("only");
});

test("an aborted signal takes no free slot", async () => {
  const pool = createSlotPool(["only"]);
  await expect(pool.acquire(AbortSignal.abort(new Error("gone")))).rejects.toThrow("gone");
  expect(await pool.acquire(never)).toBe("only");
});

test("the caller chooses among the free slots", async () => {
  const pool = createSlotPool(["a", "b", "c"]);
  expect(await pool.acquire(never, (free) => free[1] ?? "none")).toBe("b");
  expect(await pool.acquire(never, (free) => free.at(-1) ?? "none")).toBe("c");
  expect(await pool.acquire(never)).toBe("a");
});
