/** Streamed prompts over HTTP whose connection is lost, cancelled or outlived by its server. */

import { createScriptedEngine } from "@openai-compat/engines";
import { expect, onTestFinished, test, vi } from "vitest";
import type { ConfigInput } from "../../config.ts";
import { createMemoryStores } from "../../stores/memory.ts";
import { startTestServer } from "../../testing/test-server.ts";
import type { TestServerOptions } from "../../testing/test-server.ts";
import { createWatchedEngine } from "../../testing/watched-engine.ts";

/** For a busy machine; usually it takes milliseconds. */
const WAIT = { timeout: 20_000 };
const PRICES = {
  perMillionInputTokens: 1_000_000,
  perMillionOutputTokens: 1_000_000,
  perMillionCharacters: 0,
  perMinuteOfAudio: 0,
};
const INPUT = { prompt: "Tell me about the sea.", seed: 7 };

interface Event {
  readonly name: string;
  readonly id: string | null;
  readonly data: string;
}

async function start(
  engine: TestServerOptions["engine"],
  native: ConfigInput["native"] = {},
  config: ConfigInput = {},
) {
  const stores = createMemoryStores();
  await stores.credits.grant({ id: "start", accountId: "ada", amount: 1_000_000, note: "tests", nowMs: 1 });
  const models = [{ isDefault: true, prices: PRICES }];
  const running = await startTestServer({
    stores,
    models,
    config: { ...config, native },
    ...(engine === undefined ? {} : { engine }),
  });
  onTestFinished(() => running.server.close());
  const { baseUrl, keys } = running;
  const root = baseUrl.replace(/\/v1$/, "/trpc");
  const headers = { authorization: `Bearer ${keys.key}`, "content-type": "application/json" };
  const subscribe = async (lastEventId: string | null = null, token = keys.key) => {
    const connection = new AbortController();
    const response = await fetch(`${root}/promptStream?input=${encodeURIComponent(JSON.stringify(INPUT))}`, {
      headers: {
        authorization: `Bearer ${token}`,
        accept: "text/event-stream",
        ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
      },
      signal: connection.signal,
    });
    return { response, connection, events: readEvents(response) };
  };
  const mutate = async (path: string, input: object): Promise<unknown> => {
    const response = await fetch(`${root}/${path}`, { method: "POST", headers, body: JSON.stringify(input) });
    return response.json();
  };
  const usage = async () => {
    const entries = await stores.credits.listEntries({ accountId: "ada", limit: 100 });
    return entries.filter((entry) => entry.kind === "usage");
  };
  return { ...running, root, headers, stores, subscribe, mutate, usage };
}

async function* readEvents(response: Response): AsyncGenerator<Event, void> {
  let rest = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    const blocks = (rest + decoder.decode(bytes, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) yield parseEvent(block);
  }
}

function parseEvent(block: string): Event {
  const fields = new Map(block.split("\n").map((line) => [line.split(":", 1)[0], line.replace(/^\w+: ?/, "")]));
  return { name: fields.get("event") ?? "message", id: fields.get("id") ?? null, data: fields.get("data") ?? "" };
}

async function readAll(events: AsyncIterable<Event>): Promise<Event[]> {
  const all: Event[] = [];
  for await (const event of events) all.push(event);
  return all;
}

function joinText(events: readonly Event[]): string {
  const deltas = events.filter(({ name }) => name === "message").map((event): unknown => JSON.parse(event.data));
  return deltas.map((delta) => (isText(delta) ? delta.text : "")).join("");
}

function isText(value: unknown): value is { readonly text: string } {
  return typeof value === "object" && value !== null && "type" in value && value.type === "text-delta";
}

test("a prompt that lost its connection goes on behind its last event: no text is lost, none comes twice, one call is paid", async () => {
  const server = await start(createScriptedEngine({ tokenDelayMs: 2 }), { resumeMs: 60_000 });
  const seen: Event[] = [];
  let lastEventId: string | null = null;
  for (let connections = 0; connections < 50; connections += 1) {
    const { events, connection } = await server.subscribe(lastEventId);
    let left = 3;
    for await (const event of events) {
      if (event.name === "return") left = -1;
      if (event.id === null) continue;
      seen.push(event);
      lastEventId = event.id;
      left -= 1;
      if (left === 0) break;
    }
    if (left < 0) break;
    connection.abort();
  }
  const whole = await server.mutate("prompt", INPUT);
  expect(whole).toMatchObject({ result: { data: { text: joinText(seen) } } });
  expect(seen.map(({ id }) => id?.replace(/.*:/, ""))).toEqual(seen.map((_, index) => String(index)));
  expect(seen.length).toBeGreaterThan(6);
  const [second, first] = await server.usage();
  expect(first?.amount).toBe(second?.amount);
});

test("a client that does not come back pays for what was made, and its slot is free", async () => {
  const engine = createWatchedEngine();
  const server = await start(engine, { resumeMs: 50 });
  const { events, connection } = await server.subscribe();
  for await (const event of events) if (joinText([event]) !== "") break;
  connection.abort();
  await vi.waitFor(() => expect(engine.running()).toBe(0), WAIT);
  await vi.waitFor(async () => expect(await server.usage()).toHaveLength(1), WAIT);
  const [entry] = await server.usage();
  expect(entry?.amount).toBeLessThan(0);
});

test("a slow reader is waited for: no more is made than half of the bytes of a run", async () => {
  const engine = createWatchedEngine({ text: "x".repeat(1000) });
  const server = await start(engine, { runBytesMax: 20_000, resumeMs: 60_000 });
  const { events, connection } = await server.subscribe();
  for await (const event of events) if (joinText([event]) !== "") break;
  connection.abort();
  await vi.waitFor(() => expect(engine.said()).toBeGreaterThan(9), WAIT);
  const said = engine.said();
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(engine.said()).toBeLessThan(said + 20);
});

test("a cancelled prompt frees its slot at once, and its subscription says so", async () => {
  const engine = createWatchedEngine();
  const server = await start(engine, { resumeMs: 60_000 });
  const { events } = await server.subscribe();
  const rest: Event[] = [];
  for await (const event of events) {
    rest.push(event);
    if (event.id?.endsWith(":0") !== true) continue;
    const { id }: { id: string } = JSON.parse(event.data);
    expect(await server.mutate("promptCancel", { id })).toEqual({ result: { data: { cancelled: true } } });
  }
  expect(rest.at(-1)).toMatchObject({ name: "serialized-error", data: expect.stringContaining('"request_cancelled"') });
  await vi.waitFor(() => expect(engine.running()).toBe(0), WAIT);
});

test("a server that stops says so to a prompt that runs, with an error that asks to come back", async () => {
  const server = await start(createWatchedEngine(), {}, { limits: { shutdownTimeoutMs: 100 } });
  const { events } = await server.subscribe();
  const reading = readAll(events);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await server.server.close();
  const last = (await reading).at(-1);
  expect(last?.name).toBe("serialized-error");
  const error: unknown = JSON.parse(last?.data ?? "");
  // The number of a failed server: clients of tRPC connect again by themselves.
  expect(error).toMatchObject({ code: -32603, data: { code: "server_shutting_down", httpStatus: 503 } });
});

test("a subscription that is not known here ends with a typed error", async () => {
  const server = await start(createScriptedEngine());
  const { response, events } = await server.subscribe(`run_${crypto.randomUUID()}:3`);
  expect(response.status).toBe(200);
  const all = await readAll(events);
  expect(all.map(({ name }) => name)).toEqual(["connected", "serialized-error"]);
  expect(JSON.parse(all[1]?.data ?? "")).toMatchObject({
    code: -32009,
    data: { code: "subscription_lost", httpStatus: 410 },
  });
});

test("a run of another account is as lost as one that never was", async () => {
  const server = await start(createWatchedEngine(), { resumeMs: 60_000 });
  const { events } = await server.subscribe();
  let id: string | null = null;
  for await (const event of events) {
    id = event.id;
    if (id !== null) break;
  }
  const eve = await server.keys.mintFor("eve");
  const { events: stolen } = await server.subscribe(id, eve);
  expect((await readAll(stolen)).at(-1)?.data).toContain('"subscription_lost"');
});

test("a client that asks for no events gets the refusal with its status", async () => {
  const server = await start(createScriptedEngine());
  const response = await fetch(`${server.root}/promptStream?input={}`, { headers: server.headers });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { data: { code: "missing_required_parameter" } } });
});

test("a subscription may be opened with POST: its input is larger than a URL may be", async () => {
  const server = await start(createScriptedEngine({ contextTokens: 100_000 }));
  const body = JSON.stringify({ prompt: "sea ".repeat(20_000), maxOutputTokens: 4 });
  const response = await fetch(`${server.root}/promptStream`, { method: "POST", headers: server.headers, body });
  expect(response.status).toBe(200);
  expect((await readAll(readEvents(response))).at(-1)?.name).toBe("return");
});

test("silence is filled with pings, which a client of tRPC knows", async () => {
  const server = await start(
    createWatchedEngine({ waitsBeforeStart: true }),
    {},
    {
      limits: { streamKeepAliveMs: 20, streamHeadersAfterMs: 1 },
    },
  );
  const { events, connection } = await server.subscribe();
  const names: string[] = [];
  for await (const { name, data } of events) {
    names.push(name);
    if (name === "connected") expect(JSON.parse(data)).toEqual({ reconnectAfterInactivityMs: 60 });
    if (names.includes("ping")) break;
  }
  connection.abort();
  expect(names.at(-1)).toBe("ping");
});
