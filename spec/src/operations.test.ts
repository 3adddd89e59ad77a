import { expect, test } from "vitest";
import { createTranscriptionRequestSchema } from "./audio/transcription-request.ts";
import { createTranslationRequestSchema } from "./audio/translation-request.ts";
import { operationRoutes } from "./operation-routes.ts";
import { type HttpOperation, type Operation, listHttpOperations, operations } from "./operations.ts";
import { validateShape } from "./shared/validate-shape.ts";

const list: readonly HttpOperation[] = listHttpOperations(operations);

test("each parameter in a path has a schema and each schema a parameter", () => {
  for (const operation of Object.values<Operation>(operations)) {
    const inPath = [...operation.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    expect(inPath).toEqual(Object.keys(operation.pathParameters));
  }
});

test("each parameter of a query has a schema and each schema a parameter", () => {
  const queries = list.filter((operation) => operation.query !== undefined);
  expect(queries.length).toBeGreaterThan(1);
  for (const { query = [], queryParameters = {} } of list) expect(Object.keys(queryParameters)).toEqual(query);
});

test("no two operations share a method and a path", () => {
  const routes = list.map((operation) => `${operation.method} ${operation.path}`);
  expect(new Set(routes).size).toBe(routes.length);
});

test("every operation can refuse a credential", () => {
  for (const operation of Object.values<Operation>(operations))
    expect(operation.errorStatuses).toEqual(expect.arrayContaining([401, 403]));
});

test("a request says how it travels, and an answer that has a shape is JSON", () => {
  for (const operation of list) {
    expect(operation.requestContentType === null).toBe(operation.request === null);
    expect(operation.responseContentTypes.includes("application/json")).toBe(operation.response !== null);
    expect(operation.responseContentTypes.length).toBeGreaterThan(0);
    expect(operation.streaming === null).toBe(operation.streamEvent === null);
  }
});

test("each operation has the route of its id", () => {
  expect(Object.keys(operations)).toEqual(Object.keys(operationRoutes));
  for (const [id, route] of Object.entries(operationRoutes)) {
    expect(route.id).toBe(id);
    expect(operations).toMatchObject({ [id]: route });
  }
});

test("what needs a model of a kind that a server may lack can be answered with 501", () => {
  const state = /^(?:update|cancel|createConversation)/;
  const withoutChat = list.filter(
    ({ id, method }) => method === "POST" && id !== "createChatCompletion" && !state.test(id),
  );
  expect(withoutChat).not.toEqual([]);
  for (const operation of withoutChat) expect(operation.errorStatuses).toContain(501);
});

test("the examples of an operation have the shape that it documents", () => {
  for (const { request, requestContentType, response, examples } of list) {
    if (response !== null) expect(validateShape(response, examples.response)).toEqual([]);
    if (requestContentType === "application/json") expect(request?.safeParse(examples.request).success).toBe(true);
    else expect(examples.request).toBeUndefined();
  }
});

test("a session over a WebSocket is no request that is routed by its method and path", () => {
  const { connectRealtime, ...requests } = operations;
  expect(listHttpOperations({ connectRealtime })).toEqual([]);
  expect(Object.values(requests)).toEqual(list);
});

test("the formats that an answer has a shape for, and those that are text, are all that can be asked for", () => {
  const withFormats = list.filter(({ textFormats }) => textFormats.length > 0);
  expect(withFormats.map(({ id }) => id)).toEqual(["createTranscription", "createTranslation"]);
  const asked = {
    createTranscription: createTranscriptionRequestSchema.shape.response_format.unwrap().options,
    createTranslation: createTranslationRequestSchema.shape.response_format.unwrap().options,
  };
  for (const { id, textFormats, responseByFormat } of withFormats) {
    const formats = [...Object.keys(responseByFormat), ...textFormats];
    expect(asked).toMatchObject({ [id]: expect.arrayContaining(formats) });
    expect(Object.entries(asked).find(([operation]) => operation === id)?.[1]).toHaveLength(formats.length);
    expect(formats[0]).toBe("json");
  }
});
