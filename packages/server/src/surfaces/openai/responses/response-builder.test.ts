import { AiError } from "@openai-compat/core";
import type { ChatEvent } from "@openai-compat/core";
import { responseStreamEventSchema, responseSchema, validateShape } from "@openai-compat/spec";
import type { ResponseEvent } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { composeResponse } from "./compose-response.ts";
import { createResponseBuilder } from "./response-builder.ts";
import type { ResponseBuilderOptions } from "./response-builder.ts";

const USAGE = { promptTokens: 7, completionTokens: 5, reasoningTokens: 2, cachedTokens: 3 };
const SERVED = { model: "served", temperature: 0.7, top_p: 0.9, created_at: 1_700_000_000 };
const END: ChatEvent = { type: "chat-end", usage: USAGE };

const text = (said: string): ChatEvent => ({ type: "text-delta", index: 0, text: said, logprobs: null });
const reasoning = (said: string): ChatEvent => ({ type: "reasoning-delta", index: 0, text: said });
const stop = (finishReason: "stop" | "length" | "tool-calls"): ChatEvent => ({
  type: "choice-end",
  index: 0,
  finishReason,
});
const call = (name: string, kind: "function" | "custom" = "function"): ChatEvent => ({
  type: "tool-call-start",
  index: 0,
  callIndex: 0,
  id: `call_${name}`,
  kind,
  name,
});
const written = (said: string, kind: "function" | "custom" = "function"): ChatEvent => ({
  type: "tool-call-delta",
  index: 0,
  callIndex: 0,
  kind,
  text: said,
});

function build(options: Partial<ResponseBuilderOptions> = {}) {
  return createResponseBuilder({
    initial: composeResponse(
      { model: "asked", input: "Hello" },
      { id: "resp_1", createdAt: 1_600_000_000, conversationId: null },
    ),
    toolNames: new Map(),
    summarises: false,
    sealReasoning: null,
    now: () => 1_700_000_009,
    ...options,
  });
}

/** All events of a run, each of which is of the specification's shape. */
function run(events: readonly ChatEvent[], options: Partial<ResponseBuilderOptions> = {}): readonly ResponseEvent[] {
  const builder = build(options);
  const made = [...builder.start(SERVED), ...events.flatMap((event) => builder.push(event))];
  expect(made.map(({ sequence_number: number }) => number)).toEqual(made.map((_, index) => index));
  for (const event of made) expect(validateShape(responseStreamEventSchema, event)).toEqual([]);
  expectSameItems(made);
  return made;
}

/** What was added, what was done and what the last event holds are the same items. */
function expectSameItems(events: readonly ResponseEvent[]): void {
  const added = events.flatMap((event) => (event.type === "response.output_item.added" ? [event.item] : []));
  const done = events.flatMap((event) => (event.type === "response.output_item.done" ? [event.item] : []));
  const last = events.at(-1);
  expect(added.map((item) => Reflect.get(item, "id"))).toEqual(done.map((item) => Reflect.get(item, "id")));
  if (last !== undefined && "response" in last) expect(last.response.output).toEqual(done);
}

function listTypes(events: readonly ResponseEvent[]): string[] {
  return events.map(({ type }) => type.replace("response.", ""));
}

function readResponse(events: readonly ResponseEvent[]) {
  const last = events.at(-1);
  return last !== undefined && "response" in last ? last.response : expect.fail("no response");
}

test("a text has its events in OpenAI's order, and the last one holds all of it", () => {
  const events = run([text("Hel"), text("lo"), stop("stop"), END]);
  expect(listTypes(events)).toEqual([
    "created",
    "in_progress",
    "output_item.added",
    "content_part.added",
    "output_text.delta",
    "output_text.delta",
    "output_text.done",
    "content_part.done",
    "output_item.done",
    "completed",
  ]);
  expect(readResponse(events)).toMatchObject({
    ...SERVED,
    id: "resp_1",
    status: "completed",
    completed_at: 1_700_000_009,
    output: [{ type: "message", status: "completed", content: [{ type: "output_text", text: "Hello" }] }],
    usage: {
      input_tokens: 7,
      input_tokens_details: { cached_tokens: 3 },
      output_tokens: 5,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: 12,
    },
  });
});

test("the first events say that nothing was generated yet", () => {
  const [created, progress] = run([text("Hello"), stop("stop"), END]);
  for (const event of [created, progress]) {
    expect(event).toMatchObject({ response: { status: "in_progress", output: [], usage: null, completed_at: null } });
  }
});

test("reasoning is an item before the answer: as text, or as a summary where one was requested", () => {
  const said = [reasoning("Hm, "), reasoning("yes."), text("Yes."), stop("stop"), END];
  const plain = run(said);
  expect(listTypes(plain).slice(2, 8)).toEqual([
    "output_item.added",
    "content_part.added",
    "reasoning_text.delta",
    "reasoning_text.delta",
    "reasoning_text.done",
    "content_part.done",
  ]);
  expect(readResponse(plain).output[0]).toMatchObject({
    type: "reasoning",
    summary: [],
    content: [{ type: "reasoning_text", text: "Hm, yes." }],
  });
  const summarised = run(said, { summarises: true });
  expect(listTypes(summarised).slice(2, 8)).toEqual([
    "output_item.added",
    "reasoning_summary_part.added",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.delta",
    "reasoning_summary_text.done",
    "reasoning_summary_part.done",
  ]);
  expect(readResponse(summarised).output).toMatchObject([
    { type: "reasoning", summary: [{ type: "summary_text", text: "Hm, yes." }], content: [] },
    { type: "message" },
  ]);
});

test("reasoning is sealed as a whole where that was requested, and has no such field otherwise", () => {
  const said = [reasoning("Hm, "), reasoning("yes."), text("Yes."), stop("stop"), END];
  const sealed = readResponse(run(said, { sealReasoning: (whole) => `<${whole}>` }));
  expect(sealed.output[0]).toMatchObject({ encrypted_content: "<Hm, yes.>" });
  expect(readResponse(run(said)).output[0]).not.toHaveProperty("encrypted_content");
});

test("calls are items of their own, by the names that the caller gave", () => {
  const toolNames = new Map([
    ["weather__get", { namespace: "weather", name: "get" }],
    ["patch", { namespace: null, name: "patch" }],
  ]);
  const events = run(
    [
      text("Let me see."),
      call("weather__get"),
      written('{"city":'),
      written('"Bern"}'),
      call("patch", "custom"),
      written("*** Begin", "custom"),
      stop("tool-calls"),
      END,
    ],
    { toolNames },
  );
  expect(listTypes(events).slice(8)).toEqual([
    "output_item.added",
    "function_call_arguments.delta",
    "function_call_arguments.delta",
    "function_call_arguments.done",
    "output_item.done",
    "output_item.added",
    "custom_tool_call_input.delta",
    "custom_tool_call_input.done",
    "output_item.done",
    "completed",
  ]);
  expect(readResponse(events).output.slice(1)).toMatchObject([
    {
      type: "function_call",
      namespace: "weather",
      name: "get",
      call_id: "call_weather__get",
      arguments: '{"city":"Bern"}',
      status: "completed",
    },
    { type: "custom_tool_call", name: "patch", input: "*** Begin" },
  ]);
  expect(readResponse(events).output[2]).not.toHaveProperty("namespace");
});

test("an answer that its limit has cut is incomplete, its last item too", () => {
  const events = run([text("Hel"), stop("length"), END]);
  expect(events.at(-1)?.type).toBe("response.incomplete");
  expect(readResponse(events)).toMatchObject({
    status: "incomplete",
    incomplete_details: { reason: "max_output_tokens" },
    completed_at: null,
    output: [{ status: "incomplete" }],
  });
});

test("an answer of nothing is an empty message; one that was cut while the model reasoned has none", () => {
  expect(readResponse(run([stop("stop"), END])).output).toMatchObject([
    { type: "message", status: "completed", content: [{ text: "" }] },
  ]);
  expect(readResponse(run([reasoning("Hm."), stop("stop"), END])).output.map(({ type }) => type)).toEqual([
    "reasoning",
    "message",
  ]);
  expect(readResponse(run([reasoning("Hm."), stop("length"), END])).output.map(({ type }) => type)).toEqual([
    "reasoning",
  ]);
});

test("log probabilities stand in each delta, in the whole text and in its part", () => {
  const token = { text: "Hi", logprob: -0.1, bytes: [72, 105], top: [] };
  const events = run([{ type: "text-delta", index: 0, text: "Hi", logprobs: [token] }, stop("stop"), END]);
  const encoded = [{ token: "Hi", logprob: -0.1, bytes: [72, 105], top_logprobs: [] }];
  expect(events.find(({ type }) => type === "response.output_text.delta")).toMatchObject({ logprobs: encoded });
  expect(events.find(({ type }) => type === "response.output_text.done")).toMatchObject({ logprobs: encoded });
  expect(readResponse(events).output[0]).toMatchObject({ content: [{ logprobs: encoded }] });
});

test("a failure ends the response with a code that clients read, and keeps what was done", () => {
  const builder = build();
  builder.start(SERVED);
  builder.push(reasoning("Hm."));
  builder.push(text("Half"));
  const [failed, ...rest] = builder.fail(new AiError("engine_failed", "The engine broke."));
  expect(rest).toEqual([]);
  expect(failed).toMatchObject({
    type: "response.failed",
    response: {
      status: "failed",
      error: { code: "server_error", message: "The engine broke." },
      output: [{ type: "reasoning" }],
    },
  });
});

test("a response that fails before it began has its first events all the same", () => {
  const events = build().fail(new AiError("queue_full", "Too many.", { retryAfterMs: 1500 }));
  expect(listTypes(events)).toEqual(["created", "in_progress", "failed"]);
  expect(readResponse(events)).toMatchObject({
    model: "asked",
    error: { code: "rate_limit_exceeded", message: "Too many. Please try again in 2s." },
  });
});

test("every field of a response has a value from the start", () => {
  const initial = composeResponse(
    { model: "m", input: "Hello" },
    { id: "resp_1", createdAt: 1_600_000_000, conversationId: null },
  );
  expect(responseSchema.parse(initial)).toEqual(initial);
  expect(initial).toMatchObject({
    background: false,
    parallel_tool_calls: true,
    service_tier: "default",
    store: true,
    temperature: 1,
    text: { format: { type: "text" } },
    tool_choice: "auto",
    tools: [],
    top_logprobs: 0,
    top_p: 1,
    truncation: "disabled",
    metadata: {},
    presence_penalty: 0,
    frequency_penalty: 0,
  });
  expect(Object.values(initial)).not.toContain(undefined);
});

test("the functions that were offered are repeated with all their fields, hosted tools as they were sent", () => {
  const tools = [
    { type: "function" as const, name: "look" },
    { type: "function" as const, name: "find", description: "Finds.", strict: true, parameters: { type: "object" } },
    { type: "web_search", external_web_access: false },
  ];
  const { tools: repeated } = composeResponse(
    { model: "m", input: "Hello", tools },
    { id: "resp_1", createdAt: 1_600_000_000, conversationId: null },
  );
  expect(repeated).toEqual([
    { type: "function", name: "look", description: null, parameters: null, strict: false },
    tools[1],
    tools[2],
  ]);
});

test("in a silence before its first item the response says that it waits or goes on", () => {
  const builder = build();
  const made = [
    ...builder.keepAlive(),
    ...builder.keepAlive(),
    ...builder.start(SERVED),
    ...builder.keepAlive(),
    ...builder.keepAlive(),
  ];
  expect(listTypes(made)).toEqual(["created", "queued", "queued", "in_progress", "in_progress", "in_progress"]);
  for (const event of made) expect(validateShape(responseStreamEventSchema, event)).toEqual([]);
  expect(made.map(({ sequence_number: number }) => number)).toEqual(made.map((_, index) => index));
  expect(made.at(-1)).toMatchObject({ response: { id: "resp_1", model: "served", status: "in_progress", output: [] } });
  const rest = [text("Hello"), stop("stop"), END].flatMap((event) => {
    const pushed = builder.push(event);
    expect(builder.keepAlive()).toEqual([]);
    return pushed;
  });
  expect(rest.map(({ sequence_number: number }) => number)).toEqual(rest.map((_, index) => made.length + index));
  const empty = build();
  empty.start(SERVED);
  empty.push(END);
  expect(empty.keepAlive()).toEqual([]);
  const broken = build();
  broken.start(SERVED);
  broken.fail(new AiError("engine_failed", "It broke."));
  expect(broken.keepAlive()).toEqual([]);
});

test("a response was created when it was queued, however long it waits", () => {
  const initial = composeResponse({ model: "m", input: "Hello" }, { id: "resp_1", createdAt: 7, conversationId: null });
  const options = { initial, toolNames: new Map(), summarises: false, sealReasoning: null, now: () => 20 };
  const builder = createResponseBuilder(options);
  const queued = builder.queue();
  const started = builder.start({ ...SERVED, created_at: 19 });
  const states = [...queued, ...started].flatMap((event) => ("response" in event ? [event.response] : []));
  expect(states.map(({ created_at: createdAt }) => createdAt)).toEqual([7, 7, 7]);
});
