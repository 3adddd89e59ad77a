import { expect, test } from "vitest";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { resolveMemoryLimit } from "./memory-limit.ts";

const limitOf = (config: ConfigInput, availableBytes = 1000) =>
  resolveMemoryLimit(configSchema.parse(config), availableBytes);

test("without a limit of its own, a share of the memory that the process has is the limit", () => {
  expect(limitOf({})).toBe(800);
  expect(resolveMemoryLimit(configSchema.parse({}))).toBeGreaterThan(100 * 2 ** 20);
});

test("a limit that was chosen holds, also with a GPU; without one a GPU has none", () => {
  const models = [{ id: "a", engine: { kind: "llama" as const, model: "a.gguf", gpu: true } }];
  expect(limitOf({ memory: { modelBytesMax: 5000 }, models })).toBe(5000);
  expect(limitOf({ models })).toBeNull();
});

test("the longest delay can't be shorter than the first", () => {
  const memory = { loadRetryDelayMs: 100, loadRetryDelayMsMax: 99 };
  expect(configSchema.safeParse({ memory }).error?.issues).toMatchObject([{ path: ["memory", "loadRetryDelayMsMax"] }]);
});
