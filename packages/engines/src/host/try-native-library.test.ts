import { expect, test } from "vitest";
import { tryNativeLibrary } from "./try-native-library.ts";

test("the library of local chats is loaded in a process like a model's, which ends", async () => {
  const { durationMs, rssBytes } = await tryNativeLibrary("llama", {});
  expect(durationMs).toBeGreaterThan(0);
  expect(rssBytes).toBeGreaterThan(30_000_000);
});

test("a process that does not load it in time is a failure that says so", async () => {
  await expect(tryNativeLibrary("llama", { loadTimeMsMax: 1 })).rejects.toMatchObject({
    code: "engine_unavailable",
    cause: { message: expect.stringContaining("within 1 ms") },
  });
});
