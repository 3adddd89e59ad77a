/** How a service ends: no call is taken any more, and everything is waited for. */

import { setImmediate as nextTurn } from "node:timers/promises";
import { operations } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { createAiService } from "./ai-service.ts";
import { FREE_TEXT } from "./engine/chat-output.ts";
import type { RegisteredModel } from "./models/registry.ts";
import { createModelRegistry } from "./models/registry.ts";
import type { ChatRequest } from "./services/chat-request.ts";
import { foldChatEvents } from "./services/fold-chat.ts";
import { authoriseTestCall } from "./testing/authorise-test-call.ts";
import { createFakeChatEngine, fakeModel } from "./testing/fake-chat-engine.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "./testing/fake-stores.ts";
import { serveChat } from "./testing/serve-locally.ts";
import type { Named } from "./testing/serve-locally.ts";

function serviceOf(models: readonly RegisteredModel[], credits: ReturnType<typeof createFakeCreditStore>) {
  return createAiService({
    registry: createModelRegistry(models),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: () => {},
  });
}

const request: Named<ChatRequest> = {
  model: "fake",
  messages: [{ role: "user", content: "one two three" }],
  choices: 1,
  tokensMax: null,
  stop: [],
  temperature: 1,
  topP: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 7,
  logitBias: {},
  output: FREE_TEXT,
  topLogprobs: null,
  stream: false,
};

test("after close no call is taken and the engine is closed", async () => {
  const engine = createFakeChatEngine();
  const service = serviceOf([fakeModel(engine)], createFakeCreditStore());
  await service.close();
  expect(engine.closed()).toBe(true);
  await expect(serveChat(service, authoriseTestCall(operations.createChatCompletion), request)).rejects.toMatchObject({
    code: "shutting_down",
  });
});

test("an engine that does not close well is reported once all others and the settlements have ended", async () => {
  const credits = createFakeCreditStore();
  const [broken, slow] = [createFakeChatEngine(), createFakeChatEngine()];
  broken.close = async () => {
    throw new Error("stuck");
  };
  let isSlowClosed = false;
  slow.close = async () => {
    await nextTurn();
    isSlowClosed = true;
  };
  credits.failures.settle.push(new Error("busy"));
  const models = [fakeModel(broken), { ...fakeModel(slow), id: "slow", name: "slow", isDefault: false }];
  const service = serviceOf(models, credits);
  await foldChatEvents((await serveChat(service, authoriseTestCall(operations.createChatCompletion), request)).events);
  await expect(service.close()).rejects.toMatchObject({ errors: [new Error("stuck")] });
  expect([isSlowClosed, credits.entries.length]).toEqual([true, 1]);
});
