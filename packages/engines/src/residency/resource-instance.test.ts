import { expect, test } from "vitest";
import { Abandoned, ResourceInstance } from "./resource-instance.ts";
import type { MemoryReservation } from "./model-memory.ts";
import { createFakeClock, settled } from "./testing/fake-clock.ts";

test("a reservation that is granted after every caller disconnected is released, and nothing is loaded", async () => {
  const log: string[] = [];
  const reserved = Promise.withResolvers<MemoryReservation>();
  const source = {
    reserve: () => reserved.promise,
    waitTimeMsMax: 1000,
    createTimeoutError: () => new Error("no memory"),
    load: async () => {
      log.push("load");
      return "value";
    },
    unload: async () => {},
    idleUnloadMs: null,
  };
  const instance = new ResourceInstance<string>(source, {
    clock: createFakeClock(),
    onRetire: () => log.push("retired"),
    onLoaded: () => {},
    onUnloaded: () => {},
    onLost: () => {},
  });
  const controller = new AbortController();
  const disconnected = instance.lease(controller.signal);
  controller.abort(new Error("gone"));
  await expect(disconnected).rejects.toThrow("gone");
  reserved.resolve({ markLoaded() {}, markInUse() {}, markIdle() {}, release: () => log.push("released") });
  await settled();
  expect(log).toEqual(["retired", "released"]);
  await expect(instance.loading).rejects.toBeInstanceOf(Abandoned);
});
