/** Responses over a WebSocket, against a listening server. */

import { responseStreamEventSchema } from "@openai-compat/spec";
import { FREE_OF_CHARGE } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test, vi } from "vitest";
import OpenAI from "openai";
import { ResponsesWS } from "openai/resources/responses/ws";
import { WebSocket } from "ws";
import type { ConfigInput } from "./config.ts";
import { startTestServer } from "./testing/test-server.ts";
import type { TestServerOptions } from "./testing/test-server.ts";

interface Message {
  readonly type: string;
  readonly [name: string]: unknown;
}

async function start(config: ConfigInput = {}, tokenDelayMs = 0, options: TestServerOptions = {}) {
  const target = await startTestServer({ config, engine: createScriptedEngine({ tokenDelayMs }), ...options });
  onTestFinished(() => target.server.close());
  const url = `${target.baseUrl.replace(/^http/, "ws")}/responses`;
  const open = (token: string = target.keys.key, headers: Record<string, string> = {}) => {
    const socket = new WebSocket(url, { headers: { authorization: `Bearer ${token}`, ...headers } });
    onTestFinished(() => socket.terminate());
    const events: Message[] = [];
    socket.on("message", (data) => events.push(JSON.parse(Buffer.isBuffer(data) ? data.toString() : "") as Message));
    const closed = new Promise<number>((resolve) => socket.on("close", resolve));
    const ready = new Promise<void>((resolve, reject) => {
      socket.on("open", resolve);
      socket.on("error", reject);
    });
    const send = (message: object | string | Buffer) =>
      socket.send(typeof message === "string" || Buffer.isBuffer(message) ? message : JSON.stringify(message));
    /** The last event of the next response, or its refusal. */
    let read = 0;
    const isLast = ({ type }: Message) => /^(?:error|response\.(?:completed|incomplete|failed))$/.test(type);
    const next = () =>
      vi.waitFor(
        () => {
          const index = events.findIndex((event, place) => place >= read && isLast(event));
          const found = events[index];
          if (found === undefined) throw new Error("Nothing has ended yet.");
          read = index + 1;
          return found;
        },
        { timeout: 15_000, interval: 10 },
      );
    const create = (fields: object = {}) => send({ type: "response.create", ...request, ...fields });
    return { socket, events, closed, ready, send, next, create };
  };
  const connect = async (token?: string) => {
    const client = open(token);
    await client.ready;
    return client;
  };
  return { ...target, url, open, connect };
}

const request = { model: "scripted", input: "Tell me about the sea.", temperature: 0, max_output_tokens: 16 };
interface Usage {
  readonly usage: { readonly input_tokens: number };
}
const idOf = (event: Message) => (event["response"] as { id: string }).id;

test("a message asks for a response, and its events are messages in the order of a stream", async () => {
  const { connect } = await start();
  const client = await connect();
  client.create({ max_output_tokens: undefined });
  const last = await client.next();
  expect(last).toMatchObject({ type: "response.completed", response: { status: "completed", model: "scripted" } });
  for (const event of client.events) responseStreamEventSchema.parse(event);
  expect(client.events.map((event) => event["sequence_number"])).toEqual(client.events.map((_, index) => index));
  expect(client.events.slice(0, 4).map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
  ]);
});

test("a response goes on from the last one of its connection, though nothing is stored", async () => {
  const { connect, stores } = await start();
  const client = await connect();
  client.create({ store: false });
  const first = await client.next();
  client.create({ store: false, input: "Go on.", previous_response_id: idOf(first) });
  const second = await client.next();
  expect(second).toMatchObject({ response: { previous_response_id: idOf(first) } });
  client.create({ store: false, input: "Go on.", previous_response_id: idOf(second) });
  const third = await client.next();
  const tokens = [first, second, third].map(
    (event) => (event["response"] as { usage: { input_tokens: number } }).usage.input_tokens,
  );
  expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
  expect(new Set(tokens).size).toBe(3);
  expect(await stores.responses.findResponse("ada", idOf(third))).toBeNull();
  // Only the last one is remembered.
  client.create({ store: false, previous_response_id: idOf(first) });
  expect(await client.next()).toMatchObject({
    type: "error",
    status: 404,
    error: { code: "previous_response_not_found", param: "previous_response_id" },
  });
  // What failed took with it what it could have gone on from.
  client.create({ store: false, previous_response_id: idOf(third) });
  expect(await client.next()).toMatchObject({ type: "error", status: 404 });
});

test("what is stored can be gone on from anywhere, and what is not from its own connection alone", async () => {
  const { connect, keys } = await start();
  const [one, two, other] = [await connect(), await connect(), await connect(await keys.mintFor("eve"))];
  one.create();
  const stored = idOf(await one.next());
  two.create({ previous_response_id: stored });
  expect(await two.next()).toMatchObject({ response: { previous_response_id: stored } });
  other.create({ previous_response_id: stored });
  expect(await other.next()).toMatchObject({ status: 404 });
  one.create({ store: false });
  const local = idOf(await one.next());
  two.create({ previous_response_id: local });
  expect(await two.next()).toMatchObject({ status: 404, error: { code: "previous_response_not_found" } });
});

test("one response runs at a time: the next message waits for its end", async () => {
  const { connect } = await start({}, 5);
  const client = await connect();
  client.create();
  client.create();
  await client.next();
  await client.next();
  const ids = client.events.filter(({ type }) => type === "response.created").map(idOf);
  expect(new Set(ids).size).toBe(2);
  const lastOfFirst = client.events.findIndex(({ type }) => /incomplete|completed/.test(type));
  const secondBegins = client.events.findLastIndex(({ type }) => type === "response.created");
  expect(lastOfFirst).toBeLessThan(secondBegins);
});

test.each([
  ["no JSON", "{oh", 400, null],
  ["binary", Buffer.from("{}"), 400, null],
  ["of another type", { type: "session.update" }, 400, "type"],
  ["without a type", { model: "scripted", input: "Hi" }, 400, "type"],
  ["without input", { type: "response.create", model: "scripted" }, 400, "input"],
  ["for a model that is not there", { type: "response.create", ...request, model: "nowhere" }, 400, "model"],
  ["for the background", { type: "response.create", ...request, background: true }, 400, "background"],
])("a message that is %s is refused by an event, and the connection goes on", async (_what, message, status, param) => {
  const { connect } = await start();
  const client = await connect();
  client.send(message);
  expect(await client.next()).toMatchObject({ type: "error", status, error: { param, message: expect.any(String) } });
  client.create();
  expect(await client.next()).toMatchObject({ type: "response.incomplete" });
});

test("a connection without a good credential is refused before it opens", async () => {
  const { open, keys, baseUrl } = await start({ allowedOrigins: ["https://good.test"] });
  await expect(open("nobody").ready).rejects.toThrow("401");
  await expect(open(keys.noCapability).ready).rejects.toThrow("403");
  await expect(open(keys.key, { origin: "https://evil.test" }).ready).rejects.toThrow("403");
  const plain = await fetch(`${baseUrl}/responses`, { headers: { authorization: `Bearer ${keys.key}` } });
  expect(plain.status).toBe(405);
});

test("connections are bounded in number, message size and silence", async () => {
  const { open, connect } = await start({
    realtime: { accountSessionsMax: 2, messageBytesMax: 4096, idleMsMax: 300 },
  });
  const idle = await connect();
  const loud = await connect();
  await expect(open().ready).rejects.toThrow("429");
  loud.create({ input: "a".repeat(5000) });
  expect(await loud.closed).toBe(1009);
  expect(await idle.closed).toBe(1001);
});

test("generate: false prepares a response without an answer, which the next one goes on from", async () => {
  const { connect, stores } = await start();
  const client = await connect();
  const spent = vi.spyOn(stores.credits, "recordFree");
  client.create({ generate: false, store: false, input: "Tell me about the sea." });
  const prepared = await client.next();
  expect(prepared).toMatchObject({
    type: "response.completed",
    response: { status: "completed", model: "scripted", output: [], usage: { total_tokens: 0 } },
  });
  for (const event of client.events) responseStreamEventSchema.parse(event);
  expect(client.events.map(({ type }) => type)).toEqual([
    "response.created",
    "response.in_progress",
    "response.completed",
  ]);
  expect(spent).not.toHaveBeenCalled();
  client.create({ store: false, input: "Go on.", previous_response_id: idOf(prepared) });
  const next = await client.next();
  client.create({ store: false, input: "Go on." });
  const alone = await client.next();
  const tokens = [next, alone].map((event) => (event["response"] as Usage).usage.input_tokens);
  expect(tokens[0]).toBeGreaterThan(tokens[1] ?? Infinity);
});

test("what can't be answered can't be prepared either", async () => {
  const { connect } = await start();
  const client = await connect();
  const refused = [
    [{ generate: false, model: "nowhere" }, 400, "model"],
    [{ generate: false, input: 7 }, 400, "input"],
    [{ generate: "no" }, 400, "generate"],
  ] as const;
  for (const [fields, status, param] of refused) {
    client.create(fields);
    expect(await client.next()).toMatchObject({ type: "error", status, error: { param } });
  }
});

test("events carry the stream_id of their message, and each lane goes on from its own last response", async () => {
  const { connect } = await start();
  const client = await connect();
  const lanes = ["a", "b"];
  const firsts = new Map<string, string>();
  for (const stream_id of lanes) {
    client.create({ stream_id, store: false });
    const end = await client.next();
    expect(end["stream_id"]).toBe(stream_id);
    firsts.set(stream_id, idOf(end));
  }
  expect(new Set(client.events.map((event) => event["stream_id"]))).toEqual(new Set(lanes));
  for (const stream_id of lanes) {
    client.create({ stream_id, store: false, input: "Go on.", previous_response_id: firsts.get(stream_id) });
    expect(await client.next()).toMatchObject({ stream_id, response: { previous_response_id: firsts.get(stream_id) } });
  }
  client.create({ stream_id: "a", model: "nowhere" });
  expect(await client.next()).toMatchObject({ type: "error", stream_id: "a" });
  client.create({ stream_id: 7 });
  expect(await client.next()).toMatchObject({ type: "error", status: 400, error: { param: "stream_id" } });
});

test("steering is refused by its own event, and the connection goes on", async () => {
  const { connect } = await start();
  const client = await connect();
  client.create({ store: false });
  const { id } = (await client.next())["response"] as { id: string };
  client.send({ type: "response.steer", previous_response_id: id, input: "Be brief." });
  client.create({ store: false, previous_response_id: id });
  expect(await client.next()).toMatchObject({ response: { previous_response_id: id } });
  expect(client.events.find(({ type }) => type === "response.steer.failed")).toMatchObject({
    steer: { previous_response_id: id, input: "Be brief." },
    error: { code: "steering_not_supported", type: "invalid_request_error" },
  });
});

test("an account without credits is refused by an event, and the connection goes on", async () => {
  const { connect, keys, stores } = await start({}, 0, {
    models: [{ id: "scripted", isDefault: true, prices: { ...FREE_OF_CHARGE, perMillionOutputTokens: 1_000_000 } }],
  });
  const poor = await connect(await keys.mintFor("eve"));
  for (let count = 0; count < 2; count += 1) {
    poor.create({ store: false });
    expect(await poor.next()).toMatchObject({ type: "error", status: 429, error: { code: "insufficient_quota" } });
  }
  await stores.credits.grant({ id: "eve", accountId: "eve", amount: 1_000_000, note: "tests", nowMs: 1 });
  await vi.waitFor(
    async () => {
      poor.create({ store: false });
      expect((await poor.next()).type).toBe("response.incomplete");
    },
    { timeout: 10_000, interval: 500 },
  );
  const entries = await stores.credits.listEntries({ accountId: "eve", limit: 10 });
  const charged = entries.filter(({ kind }) => kind === "usage");
  expect(charged).toMatchObject([{ amount: -16 }]);
});

test("the limit of requests holds for messages, and the connection goes on", async () => {
  const { connect } = await start({ rateLimits: { requestsPerMinute: 2 } });
  const client = await connect();
  const ends: unknown[] = [];
  for (let count = 0; count < 3; count += 1) {
    client.create({ store: false });
    const { type, status } = await client.next();
    ends.push(type === "error" ? status : type);
  }
  expect(ends).toEqual(["response.incomplete", "response.incomplete", 429]);
  expect(client.socket.readyState).toBe(WebSocket.OPEN);
});

const disconnects: readonly (readonly [string, (socket: WebSocket) => void])[] = [
  ["disappears", (socket) => socket.terminate()],
  ["closes its connection", (socket) => socket.close()],
];

test.each(disconnects)("a client that %s ends what runs, and its slot is free", async (_how, disconnect) => {
  // The whole answer would take longer than the test waits.
  const { connect } = await start({ realtime: { accountSessionsMax: 1 } }, 300);
  const client = await connect();
  client.create({ max_output_tokens: 5000 });
  await vi.waitFor(() => expect(client.events.length).toBeGreaterThan(4), { timeout: 10_000 });
  disconnect(client.socket);
  const again = await vi.waitFor(() => connect(), { timeout: 10_000, interval: 50 });
  again.create({ max_output_tokens: 1 });
  expect(await again.next()).toMatchObject({ type: "response.incomplete" });
});

test("messages that always wait count no longer than they are worked on", async () => {
  const { connect } = await start({
    limits: { accountBodiesBytesMax: 256 * 1024, bodyBytesMax: 256 * 1024, smallBodyBytesMax: 0 },
  });
  const client = await connect();
  for (let sent = 0; sent < 64; sent += 1) client.create({ input: "a".repeat(8000), max_output_tokens: 1 });
  for (let done = 0; done < 64; done += 1) expect((await client.next()).type).toBe("response.incomplete");
});

test("a server that stops lets a response end first, and closes the connection", async () => {
  const { connect, server } = await start({}, 10);
  const client = await connect();
  client.create();
  await vi.waitFor(() => expect(client.events.length).toBeGreaterThan(1), { timeout: 10_000 });
  const closing = server.close();
  expect(await client.next()).toMatchObject({ type: "response.incomplete" });
  expect(await client.closed).toBe(1001);
  await closing;
});

test("the official SDK's WebSocket gets the events of a response", async () => {
  const { baseUrl, keys } = await start();
  const socket = new ResponsesWS(new OpenAI({ baseURL: baseUrl, apiKey: keys.key }));
  onTestFinished(() => socket.close());
  const completed = new Promise<string>((resolve, reject) => {
    socket.on("response.completed", ({ response }) => resolve(response.id));
    socket.on("error", reject);
  });
  socket.send({ type: "response.create", model: "scripted", input: "Tell me about the sea.", store: false });
  expect(await completed).toMatch(/^resp_[0-9a-f]{32}$/);
});
