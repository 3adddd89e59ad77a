import { expect, onTestFinished, test, vi } from "vitest";
import { openCallSlots } from "./call-slots.ts";
import { createModelQueue } from "./model-queue.ts";

const never = new AbortController().signal;
const waitTimeMsMax = 250;

function setUp(concurrency: number) {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const queue = createModelQueue({ concurrency, waitingMax: 5, waitTimeMsMax });
  const open = (accountId: string) => openCallSlots({ accountId, queue, waitTimeMsMax }, never);
  return { queue, open };
}

test("the slot of admission is the first generation's, and is given back once", async () => {
  const { queue, open } = setUp(2);
  const slots = await open("ada");
  const release = await slots.take(never);
  expect(queue.running).toBe(1);
  release();
  release();
  slots.close();
  expect(queue.running).toBe(0);
});

test("a slot that no generation has taken is given back at the end", async () => {
  const { queue, open } = setUp(1);
  (await open("ada")).close();
  expect(queue.running).toBe(0);
});

test("between two generations the slot goes to the account that waits", async () => {
  const { open } = setUp(1);
  const slots = await open("greedy");
  const first = await slots.take(never);
  const order: string[] = [];
  const victim = open("ada").then(async (own) => {
    order.push("ada");
    (await own.take(never))();
  });
  const next = slots.take(never).then(() => order.push("greedy"));
  first();
  await Promise.all([victim, next]);
  expect(order).toEqual(["ada", "greedy"]);
});

test("a call that holds no slot waits no longer than a new one would", async () => {
  const { queue, open } = setUp(1);
  const slots = await open("greedy");
  (await slots.take(never))();
  await open("ada");
  const refusal = expect(slots.take(never)).rejects.toMatchObject({ code: "queue_timeout" });
  await vi.advanceTimersByTimeAsync(waitTimeMsMax);
  await refusal;
  expect(queue.running).toBe(1);
});

test("a call that has a running generation waits for further slots as long as that runs", async () => {
  const { open } = setUp(1);
  const slots = await open("ada");
  const release = await slots.take(never);
  const next = slots.take(never);
  await vi.advanceTimersByTimeAsync(10 * waitTimeMsMax);
  release();
  await expect(next).resolves.toBeTypeOf("function");
});

test("a generation whose signal aborts leaves the queue", async () => {
  const { queue, open } = setUp(1);
  const slots = await open("ada");
  const release = await slots.take(never);
  const controller = new AbortController();
  const next = slots.take(controller.signal);
  const reason = new Error("left");
  controller.abort(reason);
  await expect(next).rejects.toMatchObject({ code: "cancelled" });
  release();
  expect(queue.running).toBe(0);
});

test("a slot that is given back twice counts once", async () => {
  const { open } = setUp(1);
  const slots = await open("ada");
  const first = await slots.take(never);
  first();
  first();
  const second = await slots.take(never);
  const third = slots.take(never);
  await vi.advanceTimersByTimeAsync(10 * waitTimeMsMax);
  second();
  await expect(third).resolves.toBeTypeOf("function");
});

test("a generation that is over already gets no slot, and leaves the slot of admission to the next", async () => {
  const { queue, open } = setUp(1);
  const slots = await open("ada");
  await expect(slots.take(AbortSignal.abort(new Error("left")))).rejects.toThrow("left");
  (await slots.take(never))();
  expect(queue.running).toBe(0);
});

test("a call that is passed over when it gives back its last slot waits from then on, as a new one would", async () => {
  const { queue, open } = setUp(1);
  const slots = await open("greedy");
  const release = await slots.take(never);
  const next = expect(slots.take(never)).rejects.toMatchObject({ code: "queue_timeout" });
  void open("ada");
  await vi.advanceTimersByTimeAsync(waitTimeMsMax - 1);
  release();
  await vi.advanceTimersByTimeAsync(waitTimeMsMax);
  await next;
  expect({ running: queue.running, timers: vi.getTimerCount() }).toEqual({ running: 1, timers: 0 });
});

test("the time without a slot ends with the next slot, and begins anew after it", async () => {
  const { open } = setUp(1);
  const slots = await open("greedy");
  (await slots.take(never))();
  const releaseOther = await (await open("ada")).take(never);
  const next = slots.take(never);
  await vi.advanceTimersByTimeAsync(waitTimeMsMax - 1);
  releaseOther();
  const release = await next;
  const last = slots.take(never);
  await vi.advanceTimersByTimeAsync(10 * waitTimeMsMax);
  release();
  (await last)();
  expect(vi.getTimerCount()).toBe(0);
});
