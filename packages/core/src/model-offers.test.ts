/** What is refused before the body of a request is read. */

import { operations } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { createAiService } from "./ai-service.ts";
import { FREE_OF_CHARGE } from "./credits/prices.ts";
import { createModelRegistry } from "./models/registry.ts";
import type { RegisteredModel } from "./models/registry.ts";
import { authoriseTestCall } from "./testing/authorise-test-call.ts";
import { createFakeChatEngine, fakeModel } from "./testing/fake-chat-engine.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "./testing/fake-stores.ts";

const engine = createFakeChatEngine();
const paid = { prices: { ...FREE_OF_CHARGE, perMillionInputTokens: 1 } };
const model = (id: string, overrides: Partial<RegisteredModel> = {}) =>
  fakeModel(engine, { id, name: id, isDefault: false, ...overrides });

function admitBody(
  models: readonly RegisteredModel[],
  operation: "createChatCompletion" | "createSpeech",
  granted = 0,
) {
  const service = createAiService({
    registry: createModelRegistry(models),
    credits: createFakeCreditStore(granted),
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: () => {},
  });
  return service.admitBody(authoriseTestCall(operations[operation]), operation);
}

test("an operation that no model offers is refused with what its operator can do about it", async () => {
  await expect(admitBody([model("a")], "createSpeech")).rejects.toMatchObject({
    code: "not_implemented",
    message: expect.stringMatching(
      /no model for speech\. Its operator can add one to the setting "models".*"type": "speech"/,
    ),
  });
});

test("where every model of the operation costs, an account without credits is refused, and no other", async () => {
  const models = [model("a", paid), model("b", paid)];
  await expect(admitBody(models, "createChatCompletion")).rejects.toMatchObject({ code: "quota_exceeded" });
  await expect(admitBody(models, "createChatCompletion", 1)).resolves.toBeUndefined();
});

test("where one model of the operation is free, every account may send its request", async () => {
  await expect(admitBody([model("a", paid), model("b")], "createChatCompletion")).resolves.toBeUndefined();
});

test("models are listed as they were registered, and found by their ids", () => {
  const models = [model("a"), model("b")];
  const service = createAiService({
    registry: createModelRegistry(models),
    credits: createFakeCreditStore(),
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: () => {},
  });
  const call = authoriseTestCall(operations.listModels);
  expect(service.listModels(call)).toEqual(models);
  expect(service.retrieveModel(call, "b")).toBe(models[1]);
});
