/** `client.ai` against the whole server on scripted engines, over HTTP. */

import { startScriptedServer } from "@openai-compat/server/scripted-server";
import { expect, onTestFinished, test } from "vitest";
import { ClientError, createClient } from "../index.ts";
import type { ClientOptions } from "../index.ts";

async function startServer(options: Partial<ClientOptions> = {}) {
  const { server, baseUrl, keys } = await startScriptedServer();
  onTestFinished(() => server.close());
  return createClient({ baseURL: baseUrl, token: keys.key, ...options });
}

/** A client whose requests are recorded as `POST /trpc/prompt`. */
async function startRecorded(options: Partial<ClientOptions> = {}) {
  const requests: string[] = [];
  const client = await startServer({
    fetch: async (url, init) => {
      const { pathname } = new URL(url);
      requests.push(`${init.method} ${decodeURIComponent(pathname)}`);
      return fetch(url, init);
    },
    ...options,
  });
  return { client, requests };
}

async function catchError(promise: Promise<unknown>): Promise<ClientError> {
  const error: unknown = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof ClientError) return error;
  throw new Error(`a ClientError was expected, not ${String(error)}`);
}

test("it lists the models of the server", async () => {
  const { ai } = await startServer();
  const models = await ai.models.list();
  expect(models.map(({ id, type }) => `${id} ${type}`)).toContain("scripted-chat chat");
});

test("a streamed prompt has the text and the usage of the prompt in one piece", async () => {
  const { ai } = await startServer();
  const whole = await ai.prompt({ prompt: "Say something.", seed: 1 });
  let text = "";
  const types = new Set<string>();
  let usage = null;
  for await (const event of ai.promptStream({ prompt: "Say something.", seed: 1 })) {
    types.add(event.type);
    if (event.type === "text-delta") text += event.text;
    if (event.type === "end") usage = event.usage;
  }
  expect(text).toBe(whole.text);
  expect(text).not.toBe("");
  // The second call finds its prompt in the cache.
  expect(usage).toEqual({ ...whole.usage, cachedTokens: expect.any(Number) });
  expect([...types]).toEqual(["start", "text-delta", "end"]);
});

test("calls of the same tick share a request, prompts have one each", async () => {
  const { client, requests } = await startRecorded();
  await Promise.all([client.ai.models.list(), client.ai.models.list(), client.ai.prompt({ prompt: "One." })]);
  expect(requests.toSorted()).toEqual(["GET /trpc/models.list,models.list", "POST /trpc/prompt"]);
});

test("a batch is cut where the server takes no more calls", async () => {
  const { client, requests } = await startRecorded();
  const lists = await Promise.all(Array.from({ length: 11 }, () => client.ai.models.list()));
  expect(lists).toHaveLength(11);
  expect(requests).toHaveLength(2);
});

test("what the server refuses has the code, the status and the field of /v1", async () => {
  const { ai } = await startServer();
  const error = await catchError(ai.prompt({ prompt: "Hello.", model: "no-such-model" }));
  expect(error).toMatchObject({ kind: "api", status: 404, code: "model_not_found", param: "model", retryable: false });
  expect(error.requestId).toMatch(/./);
});

test("a subscription that is refused throws what a call would", async () => {
  const { ai } = await startServer();
  const error = await catchError(ai.promptStream({ prompt: "Hello.", model: "no-such-model" }).next());
  expect(error).toMatchObject({ kind: "api", status: 404, code: "model_not_found" });
});

test("a wrong token is refused, and a function is asked for another one", async () => {
  const { ai } = await startServer({ token: "wrong" });
  expect(await catchError(ai.models.list())).toMatchObject({ kind: "api", status: 401 });
  const { server, baseUrl, keys } = await startScriptedServer();
  onTestFinished(() => server.close());
  const asked: boolean[] = [];
  const token = ({ isRefused }: { isRefused: boolean }) => {
    asked.push(isRefused);
    return isRefused ? keys.key : "expired";
  };
  const client = createClient({ baseURL: baseUrl, token });
  expect(await client.ai.models.list()).toHaveLength(4);
  expect(asked).toEqual([false, true]);
});

test("an aborted call is rejected at once", async () => {
  const { ai } = await startServer({ fetch: () => new Promise(() => {}) });
  const controller = new AbortController();
  const answer = catchError(ai.prompt({ prompt: "Hello." }, { signal: controller.signal }));
  controller.abort();
  expect(await answer).toMatchObject({ kind: "aborted", code: "aborted" });
  const lists = catchError(ai.models.list(undefined, { signal: AbortSignal.abort() }));
  expect(await lists).toMatchObject({ kind: "aborted" });
});

test("a server without the native surface is named as such", async () => {
  const { ai } = await startServer({
    fetch: async () => new Response("<html>Not here</html>", { status: 404, headers: { "content-type": "text/html" } }),
  });
  const error = await catchError(ai.models.list());
  expect(error).toMatchObject({ kind: "api", status: 404 });
  expect(error.message).toContain("Not here");
});

test("an answer that is not tRPC's is an invalid response", async () => {
  const { ai } = await startServer({ fetch: async () => new Response("hello") });
  expect(await catchError(ai.models.list())).toMatchObject({ kind: "invalid-response", code: "invalid_response" });
});

test("a refusal that may be tried again is, as often as the options say", async () => {
  let requests = 0;
  const { ai } = await startServer({
    retry: { attempts: 2, firstDelayMs: 0 },
    fetch: async () => {
      requests += 1;
      const data = { code: "queue_full", type: "server_error", param: null, httpStatus: 429, requestId: "r" };
      return Response.json({ error: { message: "Full.", code: -32_029, data } }, { status: 429 });
    },
  });
  expect(await catchError(ai.prompt({ prompt: "Hello." }))).toMatchObject({ code: "queue_full", retryable: true });
  expect(requests).toBe(2);
});
