import { expect, test } from "vitest";
import { createPrefillScheduler } from "./prefill-scheduler.ts";

const never = new AbortController().signal;

/** A scheduler whose reads take the time that a machine of the given speed would need. */
function createMachine({ tokensPerMs = 1 } = {}) {
  const clock = { nowMs: 0, tokensPerMs };
  const scheduler = createPrefillScheduler({
    chunkTokensMax: 512,
    sharedChunkTokensMax: 64,
    chunkMs: 200,
    now: () => clock.nowMs,
  });
  const chunks: [string, number][] = [];
  const readAll = async (name: string, total: number) => {
    for (let left = total; left > 0;) {
      left -= await scheduler.takeTurn({
        signal: never,
        tokensLeft: left,
        async read(tokens) {
          chunks.push([name, tokens]);
          await Promise.resolve();
          clock.nowMs += tokens / clock.tokensPerMs;
          return tokens;
        },
      });
    }
  };
  return { clock, scheduler, chunks, readAll, sizes: () => chunks.map(([, tokens]) => tokens) };
}

test("chunks grow to what the machine reads in the time of one chunk", async () => {
  const { readAll, sizes } = createMachine({ tokensPerMs: 1 });
  await readAll("a", 500);
  expect(sizes()).toEqual([64, 192, 192, 52]);
});

test("a fast machine is held at the most, a slow one at 32 tokens", async () => {
  const fast = createMachine({ tokensPerMs: 100 });
  await fast.readAll("a", 1200);
  expect(fast.sizes()).toEqual([64, 512, 512, 112]);
  const slow = createMachine({ tokensPerMs: 0.01 });
  await slow.readAll("a", 130);
  expect(slow.sizes()).toEqual([64, 32, 32, 2]);
});

test("a machine that becomes slower gets smaller chunks", async () => {
  const { clock, readAll, sizes } = createMachine({ tokensPerMs: 2 });
  await readAll("a", 64 + 384);
  clock.tokensPerMs = 0.5;
  await readAll("b", 384 + 288);
  expect(sizes()).toEqual([64, 384, 384, 288]);
});

test("while somebody streams a chunk is small, and large again afterwards", async () => {
  const { scheduler, readAll, sizes } = createMachine({ tokensPerMs: 10 });
  const stopDecoding = scheduler.startDecoding();
  await readAll("a", 130);
  expect(sizes()).toEqual([64, 64, 2]);
  stopDecoding();
  stopDecoding();
  await readAll("b", 600);
  expect(sizes().slice(3)).toEqual([512, 88]);
});

test("turns go round among the prompts, one chunk at a time", async () => {
  const { scheduler, readAll, chunks } = createMachine();
  scheduler.startDecoding();
  await Promise.all([readAll("a", 128), readAll("b", 128), readAll("c", 64)]);
  expect(chunks.map(([name]) => name)).toEqual(["a", "b", "c", "a", "b"]);
});

test("who aborts while waiting gets no turn, and a failed read passes the turn on", async () => {
  const { scheduler, readAll, chunks } = createMachine();
  const failing = scheduler.takeTurn({
    signal: never,
    tokensLeft: 10,
    read: async () => {
      throw new Error("broken");
    },
  });
  const controller = new AbortController();
  const impatient = scheduler.takeTurn({ signal: controller.signal, tokensLeft: 10, read: async () => "read" });
  const patient = readAll("c", 10);
  controller.abort(new Error("gone"));
  await expect(failing).rejects.toThrow("broken");
  await expect(impatient).rejects.toThrow("gone");
  await patient;
  expect(chunks).toEqual([["c", 10]]);
});
