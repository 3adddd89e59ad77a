/** More calls than places, through HTTP: who is refused, who waits, and who still gets a turn. */

import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test } from "vitest";
import { startTestServer } from "./testing/test-server.ts";

const CALLS = 64;
const PLACES = 2;
const WAITING_MAX = 8;

test("of 64 chats for 2 places the line takes its share, the rest is told when to come back, and others get a turn", async () => {
  const { server, baseUrl, keys } = await startTestServer({
    engine: createScriptedEngine({ concurrency: PLACES, tokenDelayMs: 20 }),
    models: [{ isDefault: true, queue: { waitingMax: WAITING_MAX, waitTimeMsMax: 20_000 } }],
  });
  onTestFinished(() => server.close());
  const finished: string[] = [];
  const chat = async (account: string, token: string) => {
    const response = await fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "scripted", max_tokens: 8, messages: [{ role: "user", content: "Hello" }] }),
    });
    await response.arrayBuffer();
    if (response.status === 200) finished.push(account);
    return response;
  };
  const greedy = await keys.mintFor("greedy");
  const crowd = Array.from({ length: CALLS }, () => chat("greedy", greedy));
  await Promise.any(crowd);
  const newcomer = chat("newcomer", await keys.mintFor("newcomer"));
  const models = await fetch(`${baseUrl}/models`, { headers: { authorization: `Bearer ${greedy}` } });
  expect(models.status).toBe(200);
  expect((await newcomer).status).toBe(200);
  const servedBefore = finished.length;
  const answers = await Promise.all(crowd);
  const refused = answers.filter(({ status }) => status === 429);
  const served = answers.filter(({ status }) => status === 200);
  expect(refused.length + served.length).toBe(CALLS);
  // One of the line may have made room for the newcomer.
  expect(served.length).toBeGreaterThanOrEqual(PLACES + WAITING_MAX - 1);
  for (const { headers } of refused) expect(Number(headers.get("retry-after"))).toBeGreaterThanOrEqual(1);
  expect(servedBefore, "the newcomer did not wait for the whole line").toBeLessThan(PLACES + WAITING_MAX);
});
