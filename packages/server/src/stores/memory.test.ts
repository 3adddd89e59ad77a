import {
  apiKeyStoreContract,
  clientSecretStoreContract,
  creditStoreContract,
  modelStoreContract,
  responseRunStoreContract,
  responseStoreContract,
  taskStoreContract,
  tokenRevocationStoreContract,
} from "@openai-compat/core/store-contract";
import { expect, test } from "vitest";
import { createMemoryCredits } from "./memory-credits.ts";
import { createMemoryStores } from "./memory.ts";

apiKeyStoreContract("the store in memory", () => createMemoryStores().apiKeys);
creditStoreContract("the store in memory", () => createMemoryStores().credits);
clientSecretStoreContract("the store in memory", () => createMemoryStores().clientSecrets);
modelStoreContract("the store in memory", () => createMemoryStores().models);
responseStoreContract("the store in memory", () => createMemoryStores().responses);
responseRunStoreContract("the store in memory", () => createMemoryStores().responseRuns);
taskStoreContract("the store in memory", () => createMemoryStores().tasks);
tokenRevocationStoreContract("the store in memory", () => createMemoryStores().tokenRevocations);

test("the log in memory keeps its newest entries, and the balance what they all came to", async () => {
  const credits = createMemoryCredits({ entriesKeptMax: 2 });
  for (const id of ["1", "2", "3"]) await credits.grant({ id, accountId: "ada", amount: 10, note: id, nowMs: 1 });
  const entries = await credits.listEntries({ accountId: null, limit: 10 });
  expect(entries).toMatchObject([{ note: "3" }, { note: "2" }]);
  expect(await credits.readBalance("ada")).toEqual({ balance: 30, held: 0 });
});

test("a trial write to memory works", async () => {
  await expect(createMemoryStores().probeWrite()).resolves.toBeUndefined();
});
