import { expect, test } from "vitest";
import { Abandoned, HeldValue } from "./held-value.ts";
import type { Room } from "./model-memory.ts";
import { createFakeClock, settled } from "./testing/fake-clock.ts";

test("room that comes after everybody has left is given back, and nothing is loaded", async () => {
  const log: string[] = [];
  const reserved = Promise.withResolvers<Room>();
  const held = new HeldValue<string>({
    reserve: () => reserved.promise,
    waitTimeMsMax: 1000,
    noRoom: () => new Error("no room"),
    load: async () => {
      log.push("load");
      return "value";
    },
    unload: async () => {},
    idleUnloadMs: null,
    clock: createFakeClock(),
    onRetire: () => log.push("retired"),
    onLoaded: () => {},
    onUnloaded: () => {},
  });
  const controller = new AbortController();
  const left = held.lease(controller.signal);
  controller.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  const room = { ready() {}, use() {}, rest() {}, free: () => log.push("freed") };
  reserved.resolve(room);
  await settled();
  expect(log).toEqual(["retired", "freed"]);
  await expect(held.loading).rejects.toBeInstanceOf(Abandoned);
});
