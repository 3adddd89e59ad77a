import { startScriptedServer } from "@openai-compat/server/scripted-server";
import { expect, onTestFinished, test } from "vitest";
import { createClient } from "./index.ts";

test("the official SDK is set up for the same server and credential", async () => {
  const { server, baseUrl, keys } = await startScriptedServer();
  onTestFinished(() => server.close());
  const sdk = await createClient({ baseURL: baseUrl, token: keys.key }).openai();
  expect((await sdk.models.list()).data.map(({ id }) => id)).toContain("scripted-chat");
  const withFunction = await createClient({ baseURL: baseUrl, token: async () => keys.key }).openai({ maxRetries: 0 });
  expect((await withFunction.models.list()).data).not.toEqual([]);
  expect(withFunction.maxRetries).toBe(0);
});
