import { AiError } from "@openai-compat/core";
import type { ResponseEvent } from "@openai-compat/spec";
import { describe, expect, test } from "vitest";
import { composeResponse } from "./compose-response.ts";
import { createResponseProtocol, encodeResponseStream, listResponseEvents, readLastEvent } from "./encode-stream.ts";
import type { LastEvent } from "./encode-stream.ts";
import { createResponseBuilder } from "./response-builder.ts";
import type { ResponseRun, RunEvent } from "./response-run.ts";

const USAGE = { promptTokens: 3, completionTokens: 2, cachedTokens: 0, reasoningTokens: 0 };
const WHOLE: readonly RunEvent[] = [
  { type: "choice-start", index: 0 },
  { type: "text-delta", index: 0, text: "It is deep.", logprobs: null },
  { type: "choice-end", index: 0, finishReason: "stop" },
  { type: "chat-end", usage: USAGE },
];

function createBuilder() {
  const initial = composeResponse({ model: "named" }, { id: "resp_1", createdAt: 1, conversationId: null });
  return createResponseBuilder({
    initial,
    toolNames: new Map(),
    summarises: false,
    sealReasoning: null,
    now: () => 2,
  });
}

function startRun(events: readonly RunEvent[] = WHOLE, failure: AiError | null = null): ResponseRun {
  async function* list(): AsyncGenerator<RunEvent, void> {
    yield* events;
    if (failure !== null) throw failure;
  }
  const sampling = { temperature: 0.5, topP: 1 };
  const checkpoint = () => {
    throw new Error("Nothing asks for it.");
  };
  return { modelId: "served", createdAtMs: 7900, sampling, relaxed: [], checkpoint, events: list() };
}

const keep = async (last: LastEvent) => last;

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const list: Item[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** The data of server-sent events with the names that they have. */
function decode(text: string): { readonly name: string; readonly data: Record<string, unknown> }[] {
  return text
    .split("\n\n")
    .filter((block) => block.startsWith("event: "))
    .map((block) => {
      const [name = "", data = ""] = block.split("\n").map((line) => line.replace(/^\w+: /, ""));
      return { name, data: JSON.parse(data) as Record<string, unknown> };
    });
}

describe("the events of a run", () => {
  test("begin with what is known once it is served", async () => {
    const [created] = await collect(listResponseEvents(startRun(), { builder: createBuilder(), keep }));
    expect(created).toMatchObject({
      type: "response.created",
      response: { model: "served", temperature: 0.5, top_p: 1, created_at: 7 },
    });
  });

  test("are held at the last one until it is kept, and what was kept is sent in its place", async () => {
    const kept: string[] = [];
    const store = async (last: LastEvent): Promise<LastEvent> => {
      kept.push(last.type);
      return { ...last, response: { ...last.response, store: false } };
    };
    const events = await collect(listResponseEvents(startRun(), { builder: createBuilder(), keep: store }));
    expect(kept).toEqual(["response.completed"]);
    expect(events.at(-1)).toMatchObject({ type: "response.completed", response: { store: false } });
  });
});

describe("the non-streaming answer", () => {
  test("is the last event", async () => {
    const { response } = await readLastEvent(startRun(), { builder: createBuilder(), keep });
    expect(response).toMatchObject({ status: "completed", output: [{ content: [{ text: "It is deep." }] }] });
  });

  test("is a failure where the run ends before it", async () => {
    const reading = readLastEvent(startRun(WHOLE.slice(0, 2)), { builder: createBuilder(), keep });
    await expect(reading).rejects.toMatchObject({ code: "engine_failed" });
  });

  test("is the failure of what stores it", async () => {
    const full = async () => Promise.reject(new AiError("store_unavailable", "It is away."));
    const reading = readLastEvent(startRun(), { builder: createBuilder(), keep: full });
    await expect(reading).rejects.toMatchObject({ code: "store_unavailable" });
  });
});

describe("a stream", () => {
  async function read(run: ResponseRun, includeObfuscation = false) {
    const errors: AiError[] = [];
    const ending = { signal: new AbortController().signal, onError: (error: AiError) => void errors.push(error) };
    const builder = createBuilder();
    const pieces = await collect(encodeResponseStream(run, { builder, keep, includeObfuscation }, ending));
    return { text: pieces.join(""), events: decode(pieces.join("")), errors };
  }

  test("names each event by its type, and ends with the last one", async () => {
    const { text, events } = await read(startRun());
    expect(events.map(({ name }) => name)).toEqual(events.map(({ data }) => data["type"]));
    expect(events.at(-1)?.name).toBe("response.completed");
    expect(text).not.toContain("[DONE]");
  });

  test("pads pieces of text where that was asked for, and nothing else", async () => {
    const padded = (await read(startRun(), true)).events.filter(({ data }) => "obfuscation" in data);
    expect(padded.map(({ name }) => name)).toEqual(["response.output_text.delta"]);
    expect((await read(startRun())).events.some(({ data }) => "obfuscation" in data)).toBe(false);
  });

  test("that breaks ends with response.failed, numbered as the next event", async () => {
    const broken = startRun(WHOLE.slice(0, 2), new AiError("engine_failed", "It broke."));
    const { events, errors } = await read(broken);
    expect(events.map(({ data }) => data["sequence_number"])).toEqual(events.map((_, index) => index));
    expect(events.at(-1)).toMatchObject({ name: "response.failed", data: { response: { status: "failed" } } });
    expect(errors).toMatchObject([{ code: "engine_failed" }]);
  });
});

test("a failure before the first event has the first ones before it", () => {
  const text = createResponseProtocol(createBuilder()).encodeError(new AiError("engine_failed", "It broke."));
  const types: ResponseEvent["type"][] = ["response.created", "response.in_progress", "response.failed"];
  expect(decode(text).map(({ name }) => name)).toEqual(types);
});
