/** What the routes of all operations that a model serves have in common, tried on each of them. */

import { FREE_OF_CHARGE, MODEL_OPERATIONS, MODEL_TYPES, NO_USAGE, listOperations } from "@openai-compat/core";
import type { ModelRequestId, ModelType, RegisteredModel, UpstreamEngine, UpstreamRequest } from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import type { HttpOperation } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { createTestApp } from "../../testing/test-server.ts";
import { createWave } from "../../testing/create-wave.ts";

const EVERY: readonly ModelRequestId[] = MODEL_TYPES.flatMap(listOperations);
const PAID = { ...FREE_OF_CHARGE, perMillionInputTokens: 1, perMillionCharacters: 1, perMinuteOfAudio: 1 };

/** A request with all that the operation needs, as the document shows it. */
function completeFields(id: ModelRequestId): object {
  const { examples }: HttpOperation = operations[id];
  return examples.request ?? { file: new File([createWave({ seconds: 1 })], "a.wav") };
}

function createUpstream(type: ModelType, seen: UpstreamRequest[]): UpstreamEngine {
  return {
    type: "upstream",
    limits: { contextTokens: 4096, completionTokensMax: 4096, concurrency: 4 },
    operations: new Set(listOperations(type)),
    bridgesResponses: true,
    async *forward(request) {
      seen.push(request);
      const bytes = new TextEncoder().encode("{}");
      const rest = {
        contentType: "application/json",
        droppedParameters: [],
        usage: NO_USAGE,
        source: "measured" as const,
      };
      yield { type: "upstream-whole", bytes, ...rest };
    },
    connectRealtime: null,
    upstreams: () => [],
    close: async () => {},
  };
}

async function setUp(overrides: Partial<RegisteredModel> = {}, types: readonly ModelType[] = MODEL_TYPES) {
  const seen: UpstreamRequest[] = [];
  const models = types.map((type) => ({
    id: `far-${type}`,
    type,
    engine: createUpstream(type, seen),
    isDefault: true,
    ...overrides,
  }));
  const app = await createTestApp({ models });
  const send = async (id: ModelRequestId, fields: object, model = "default") => {
    const { path, requestContentType }: HttpOperation = operations[id];
    const body = { ...fields, model };
    const isForm = requestContentType === "multipart/form-data";
    const response = isForm
      ? await app.request(`/v1${path}`, { method: "POST", body: encodeForm(body) })
      : await app.post(`/v1${path}`, body);
    const answer: { error?: { code: string; param: string | null } } = JSON.parse(await response.text());
    return { status: response.status, error: answer.error ?? null };
  };
  return { ...app, send, seen };
}

function encodeForm(fields: object): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value instanceof File) form.set(name, value);
    else form.set(name, String(value));
  }
  return form;
}

test("an upstream is asked for the operation at the path that the specification gives it", async () => {
  const { send, seen } = await setUp();
  for (const id of EVERY) expect(await send(id, completeFields(id))).toMatchObject({ status: 200 });
  expect(seen.map(({ operation, path }) => [operation, path])).toEqual(EVERY.map((id) => [id, operations[id].path]));
  expect(seen.map(({ modelId }) => modelId)).toEqual(EVERY.map((id) => `far-${MODEL_OPERATIONS[id].modelType}`));
});

test.each(EVERY)("a server without a model for %s says so as the specification does, whatever the body", async (id) => {
  const { noun, modelType, isOptional } = MODEL_OPERATIONS[id];
  const { post } = await setUp(
    {},
    MODEL_TYPES.filter((type) => type !== modelType),
  );
  const { path, errorStatuses }: HttpOperation = operations[id];
  const response = await post(`/v1${path}`, '{"model":');
  expect(errorStatuses.includes(501)).toBe(isOptional);
  expect(response.status).toBe(isOptional ? 501 : 400);
  if (isOptional) expect(await response.text()).toContain(`This server has no model for ${noun}.`);
});

test.each(EVERY)("%s refuses an account without credits first, then the body, then the model", async (id) => {
  const paid = await setUp({ prices: PAID });
  expect(await paid.send(id, {}, "nothing")).toMatchObject({ status: 429, error: { code: "insufficient_quota" } });
  const free = await setUp();
  const refused = await free.send(id, {}, "nothing");
  expect(refused).toMatchObject({ status: 400, error: { code: "missing_required_parameter" } });
  expect(await free.send(id, completeFields(id), "nothing")).toMatchObject({
    // Clients of responses take a 404 for a server that has none.
    status: operations[id].path.startsWith("/responses") ? 400 : 404,
    error: { code: "model_not_found" },
  });
  const other = MODEL_TYPES.find((type) => type !== MODEL_OPERATIONS[id].modelType);
  const wrong = await free.send(id, completeFields(id), `far-${other}`);
  expect(wrong).toMatchObject({ status: 400, error: { code: "wrong_model_type", param: "model" } });
  expect([...paid.seen, ...free.seen]).toEqual([]);
});
