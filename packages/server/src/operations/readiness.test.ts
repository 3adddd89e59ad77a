import { expect, test, vi } from "vitest";
import { createReadiness, encodeReadiness } from "./readiness.ts";

const works = { name: "keys", check: async () => {} };
const hangs = { name: "credits", check: () => new Promise(() => {}) };

test("it is ready when every part is", async () => {
  const onNotReady = vi.fn();
  const response = encodeReadiness(await createReadiness({ parts: [works], timeoutMs: 1000, onNotReady }).check());
  expect([response.status, await response.json()]).toEqual([200, { status: "ready" }]);
  expect(onNotReady).not.toHaveBeenCalled();
});

test("a part that fails is named, and only the operator sees the reason", async () => {
  const onNotReady = vi.fn();
  const fails = { name: "credits", check: () => Promise.reject(new Error("no route to 10.0.0.7")) };
  const response = encodeReadiness(
    await createReadiness({ parts: [works, fails], timeoutMs: 1000, onNotReady }).check(),
  );
  expect([response.status, await response.json()]).toEqual([503, { status: "not_ready", not_ready: ["credits"] }]);
  expect(onNotReady).toHaveBeenCalledExactlyOnceWith("credits", "no route to 10.0.0.7");
});

test("a part that hangs is not ready after the time, and is not asked again while it hangs", async () => {
  const check = vi.fn(hangs.check);
  const onNotReady = vi.fn();
  const readiness = createReadiness({ parts: [works, { name: "credits", check }], timeoutMs: 20, onNotReady });
  expect(await readiness.check()).toEqual(["credits"]);
  expect(await readiness.check()).toEqual(["credits"]);
  expect(check).toHaveBeenCalledTimes(1);
  expect(onNotReady).toHaveBeenCalledWith("credits", "no answer within 20 ms");
});

test("callers that come together cost one look", async () => {
  const check = vi.fn(async () => {});
  const readiness = createReadiness({ parts: [{ name: "keys", check }], timeoutMs: 1000, onNotReady: () => {} });
  await Promise.all([readiness.check(), readiness.check(), readiness.check()]);
  expect(check).toHaveBeenCalledTimes(1);
  await readiness.check();
  expect(check).toHaveBeenCalledTimes(2);
});

test("a part that throws at once is not ready", async () => {
  const check = () => {
    throw new Error("closed");
  };
  const readiness = createReadiness({ parts: [{ name: "keys", check }], timeoutMs: 1000, onNotReady: () => {} });
  expect(await readiness.check()).toEqual(["keys"]);
});

test("a part with an interval is not asked again before it has passed, whether it was ready or not", async () => {
  let nowMs = 0;
  const check = vi.fn(async () => {});
  const parts = [{ name: "writes", check, intervalMs: 1000 }];
  const readiness = createReadiness({ parts, timeoutMs: 1000, onNotReady: () => {}, now: () => nowMs });
  check.mockRejectedValueOnce(new Error("disk full"));
  for (const [atMs, notReady] of [
    [0, ["writes"]],
    [999, ["writes"]],
    [1000, []],
    [1999, []],
  ] as const) {
    nowMs = atMs;
    expect(await readiness.check()).toEqual(notReady);
  }
  expect(check).toHaveBeenCalledTimes(2);
});

test("an operator sees the processes that decode audio, once there was one", async () => {
  const idle = { processes: [], starts: 0, losses: 0 };
  expect(await encodeReadiness([], { loads: [], decoders: idle }).json()).toEqual({ status: "ready" });
  const decoders = { processes: [{ pid: 50, rssBytes: 7000 }], starts: 2, losses: 1 };
  expect(await encodeReadiness([], { loads: [], decoders }).json()).toEqual({
    status: "ready",
    audio_decoders: { processes: [{ pid: 50, resident_bytes: 7000 }], losses: 1 },
  });
});
