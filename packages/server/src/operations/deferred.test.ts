import { expect, test, vi } from "vitest";
import { createDeferred } from "./deferred.ts";

test("it loads on the first use, once, and what came before is done in order", async () => {
  const load = vi.fn(async () => "loaded");
  const deferred = createDeferred(load, () => {});
  expect(load).not.toHaveBeenCalled();
  const seen: string[] = [];
  deferred.use((value) => void seen.push(`${value} 1`));
  deferred.use((value) => void seen.push(`${value} 2`));
  expect(await deferred.get()).toBe("loaded");
  deferred.use((value) => void seen.push(`${value} 3`));
  expect(seen).toEqual(["loaded 1", "loaded 2", "loaded 3"]);
  expect(load).toHaveBeenCalledTimes(1);
});

test("a failure to load is reported once", async () => {
  const onError = vi.fn();
  const deferred = createDeferred(() => Promise.reject(new Error("gone")), onError);
  deferred.use(() => {});
  deferred.use(() => {});
  await expect(deferred.get()).rejects.toThrow("gone");
  expect(onError).toHaveBeenCalledTimes(1);
});
