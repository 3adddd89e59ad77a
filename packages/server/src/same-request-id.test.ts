/** A caller may choose `x-request-id`, and send one id with several calls at once: each stays a call of its own. */

import { FREE_OF_CHARGE } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test } from "vitest";
import { startTestServer } from "./testing/test-server.ts";

const REQUEST_ID = "the-same-id-for-all";
const CALLS = 8;
const prices = { ...FREE_OF_CHARGE, perMillionOutputTokens: 1_000_000 };

test("calls at once with one x-request-id are logged, charged and settled each by itself", async () => {
  const { server, baseUrl, keys, stores, logLines } = await startTestServer({
    engine: createScriptedEngine({ tokenDelayMs: 5, concurrency: CALLS }),
    models: [{ isDefault: true, prices, queue: { waitingMax: CALLS, waitTimeMsMax: 20_000 } }],
  });
  onTestFinished(() => server.close());
  // The longest call is sent first, so that the calls do not end in the order in which they began.
  const calls = Array.from({ length: CALLS }, (_, index) => ({ accountId: `account-${index}`, tokens: CALLS - index }));
  for (const { accountId } of calls) {
    await stores.credits.grant({ id: accountId, accountId, amount: 1000, note: "", nowMs: Date.now() });
  }
  await Promise.all(
    calls.map(async ({ accountId, tokens }) => {
      const response = await fetch(`${baseUrl}/chat/completions`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${await keys.mintFor(accountId)}`,
          "content-type": "application/json",
          "x-request-id": REQUEST_ID,
        },
        body: JSON.stringify({
          model: "scripted",
          messages: [{ role: "user", content: "Tell me a long story." }],
          max_tokens: tokens,
        }),
      });
      expect(response.status, await response.text()).toBe(200);
      expect(response.headers.get("x-request-id")).toBe(REQUEST_ID);
    }),
  );
  await server.close();

  const lines = logLines.map((line): Record<string, unknown> => JSON.parse(line));
  const logged = lines.filter((line) => line["requestId"] === REQUEST_ID);
  expect(logged).toHaveLength(CALLS);
  for (const { accountId, tokens } of calls) {
    expect(logged).toContainEqual(
      expect.objectContaining({ account: accountId, completionTokens: tokens, chargedMicrocredits: tokens }),
    );
    expect(await stores.credits.readBalance(accountId)).toEqual({ balance: 1000 - tokens, held: 0 });
  }
});
