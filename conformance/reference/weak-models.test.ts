/** A model may be weak, odd or slow to speak: whatever it writes, a server that serves it right fails nothing. */

import { expect, test, vi } from "vitest";
import { checks } from "../checks/index.ts";
import { isJsonObject, type JsonObject } from "../src/json-object.ts";
import type { CheckResult } from "../src/outcome.ts";
import { type Chunk, type Completion, encodeChunks, encodeCompletion, type Usage } from "./operations/chat-answer.ts";
import { wantsUsage } from "./operations/create-chat-completion.ts";
import { answerResponse } from "./operations/create-response.ts";
import { writeAsAsked } from "./operations/legacy-functions.ts";
import type { ReferenceOperations } from "./operations/index.ts";
import { encodeTextChunks, encodeTextCompletion, type TextAnswer } from "./operations/text-answer.ts";
import type { ResponseAnswer } from "./operations/response-events.ts";
import { readFormat } from "./operations/structured-output-rules.ts";
import { judgeInLots, judgeWire, listKillers } from "./judge.ts";
import { composeChatLogprobs } from "./logprobs.ts";
import type { ChatBody } from "./operations/chat-rules.ts";
import { defineReferenceWire, type ReferenceWire } from "./wire.ts";

/** Whole suites, on a machine that may be busy with others. */
vi.setConfig({ testTimeout: 300_000 });

/** What a chat model writes reaches no check of these: they look at credentials, or ask models of another kind. */
const WITHOUT_TEXT: readonly string[] = ["auth", "audio", "realtime", "embeddings", "models"];
const textChecks = checks.filter(({ area }) => !WITHOUT_TEXT.includes(area));

/** In lots, because most of their time is waiting; but for those of limits, which judge times. */
async function judge(wire: ReferenceWire): Promise<readonly CheckResult[]> {
  const timed = textChecks.filter(({ area }) => area === "limits");
  const others = textChecks.filter((check) => !timed.includes(check));
  return [...(await judgeInLots(wire, { lots: 4, checks: others })), ...(await judgeWire(wire, { checks: timed }))];
}

interface Model {
  readonly text: string | null;
  readonly finishReason: "stop" | "length";
  readonly tokens: number;
}

/** Whether the server leaves the model no choice of words. */
function isFormed(given: unknown, body: ChatBody): boolean {
  return readFormat(body)["type"] !== undefined || /"(?:tool_calls|function_call)":[[{]/.test(JSON.stringify(given));
}

interface ChatChanges {
  readonly completion: (given: Completion, body: ChatBody) => object;
  readonly chunks: (given: readonly Chunk[], body: ChatBody) => readonly object[];
}

/** The reference server with other answers. */
function serve(changes: {
  readonly chat: ChatChanges;
  readonly text?: Partial<ReferenceOperations["createCompletion"]>;
  readonly response?: (answer: ResponseAnswer) => ResponseAnswer;
}): ReferenceWire {
  const wire = defineReferenceWire();
  const { createChatCompletion, createCompletion, createResponse } = wire.operations;
  const { getChatCompletion, listChatCompletions, updateChatCompletion } = wire.operations;
  /** By id, as they were answered in one piece. */
  const answered = new Map<unknown, JsonObject>();
  const chat: ReferenceOperations["createChatCompletion"] = {
    ...createChatCompletion,
    encode: (answer) => {
      const completion = changes.chat.completion(encodeCompletion(answer), answer.request);
      const asked = { ...writeAsAsked(completion, answer.request) };
      answered.set(answer.id, asked);
      return asked;
    },
    encodeStream: (answer) =>
      changes.chat
        .chunks(encodeChunks(answer, wantsUsage(answer.request)), answer.request)
        .map((chunk) => writeAsAsked(chunk, answer.request)),
  };
  const text = { ...createCompletion, ...changes.text };
  const show = (body: JsonObject): object => {
    if (!isCompletion(body)) return body;
    const { choices, usage } = answered.get(body.id) ?? { ...changes.chat.completion(body, {}) };
    return { ...body, choices, usage };
  };
  const stored: Partial<ReferenceOperations> = {
    getChatCompletion: { ...getChatCompletion, encode: ({ body }) => show(body) },
    updateChatCompletion: { ...updateChatCompletion, encode: ({ body }) => show(body) },
    listChatCompletions: {
      ...listChatCompletions,
      encode: ({ page, ...answer }) =>
        listChatCompletions.encode({
          ...answer,
          page: { ...page, data: page.data.map((one) => ({ ...show(one) })) },
        }),
    },
  };
  const response: ReferenceOperations["createResponse"] = {
    ...createResponse,
    answer: (request, context) => answerResponse(request, context, changes.response),
  };
  const changed = { createChatCompletion: chat, createCompletion: text, ...stored };
  return { ...wire, operations: { ...wire.operations, ...changed, createResponse: response } };
}

function isCompletion(value: JsonObject): value is JsonObject & Completion {
  return Array.isArray(value["choices"]);
}

/** The reference server with this model behind it: it always says the same, unless its output is constrained. */
function serveModel({ text, finishReason, tokens }: Model): ReferenceWire {
  const count = (usage: Usage, body: Readonly<Record<string, unknown>>, choices = 1): Usage => {
    const limit = body["max_tokens"] ?? body["max_completion_tokens"] ?? tokens;
    const used = choices * (finishReason === "length" ? Number(limit) : tokens);
    return {
      prompt_tokens: usage.prompt_tokens,
      completion_tokens: used,
      total_tokens: usage.prompt_tokens + used,
    };
  };
  const composeWeakLogprobs = (body: ChatBody) =>
    composeChatLogprobs(text ? [text] : [], body["logprobs"] === true ? Number(body["top_logprobs"] ?? 0) : null);
  const completion = (given: Completion, body: ChatBody): object => {
    if (isFormed(given, body)) return given;
    const message = { role: "assistant", content: text, refusal: null, reasoning_content: "Hm." };
    const logprobs = composeWeakLogprobs(body);
    const choices = given.choices.map((choice, index) => ({
      ...choice,
      message,
      logprobs,
      finish_reason: finishReason,
      index,
    }));
    return { ...given, choices, usage: count(given.usage, body, choices.length) };
  };
  const chunks = (given: readonly Chunk[], body: ChatBody): readonly object[] => {
    if (isFormed(given, body)) return given;
    const kept = given.filter(({ choices: [choice] }) => choice?.delta.content === undefined || choice.delta.role);
    return kept.map((chunk) => ({
      ...chunk,
      ...(chunk.usage ? { usage: count(chunk.usage, body, Number(body["n"] ?? 1)) } : {}),
      choices: chunk.choices.map((choice) =>
        choice.finish_reason === null
          ? { ...choice, delta: { role: "assistant", content: text }, logprobs: composeWeakLogprobs(body) }
          : { ...choice, finish_reason: finishReason },
      ),
    }));
  };
  const answerWeakly = (answer: TextAnswer): TextAnswer => {
    const choices = answer.choices.map((choice) => {
      const prompt = choice.tokens.slice(0, choice.echoed);
      const isSilent = text === null || text === "" || choice.tokens.length === choice.echoed;
      return { ...choice, tokens: isSilent ? prompt : [...prompt, text], finishReason };
    });
    return { ...answer, choices, usage: count(answer.usage, answer.request, choices.length) };
  };
  const respond = (answer: ResponseAnswer): ResponseAnswer => {
    const { text: options } = answer.request;
    const isFree = answer.output.every(({ item }) => item["type"] === "message") && !isJsonObject(options);
    if (!isFree) return answer;
    const logprobs =
      answer.request["top_logprobs"] === undefined
        ? []
        : (composeChatLogprobs(text ? [text] : [], Number(answer.request["top_logprobs"]))?.content ?? []);
    const status = finishReason === "length" ? "incomplete" : "completed";
    const part = { type: "output_text", text: text ?? "", annotations: [], logprobs };
    const output = answer.output.map(({ item }) => ({
      item: { ...item, status, content: [part] },
      pieces: text === null || text === "" ? [] : [text],
    }));
    const input = isJsonObject(answer.response["usage"]) ? Number(answer.response["usage"]["input_tokens"]) : 0;
    return {
      ...answer,
      output,
      response: {
        ...answer.response,
        status,
        incomplete_details: status === "incomplete" ? { reason: "max_output_tokens" } : null,
        completed_at: status === "incomplete" ? null : answer.response["created_at"],
        output: output.map(({ item }) => item),
        usage: {
          input_tokens: input,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: tokens,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: input + tokens,
        },
      },
    };
  };
  return serve({
    chat: { completion, chunks },
    response: respond,
    text: {
      encode: (answer) => encodeTextCompletion(answerWeakly(answer)),
      encodeStream: (answer) => encodeTextChunks(answerWeakly(answer), wantsUsage(answer.request)),
    },
  });
}

function findOutcome(results: readonly CheckResult[], id: string): string | undefined {
  return results.find(({ check }) => check.id === id)?.outcome;
}

test.for<[string, Model]>([
  ["stops at once", { text: "", finishReason: "stop", tokens: 0 }],
  ["writes one word", { text: "1", finishReason: "stop", tokens: 1 }],
  ["reasons up to its limit", { text: null, finishReason: "length", tokens: 3 }],
  ["writes bytes that are no text", { text: "\u{FFFD}\u{FFFD}", finishReason: "length", tokens: 3 }],
])("no check blames the server for a model that %s", async ([, model]) => {
  expect(listKillers(await judge(serveModel(model)))).toEqual([]);
});

test("no check blames the server for a model whose structured output does not end", async () => {
  const useAll = (usage: Usage, body: ChatBody): Usage => {
    const tokens = Number(body["max_tokens"]);
    return { ...usage, completion_tokens: tokens, total_tokens: usage.prompt_tokens + tokens };
  };
  const cut = (given: Completion, body: ChatBody): object => ({
    ...given,
    usage: useAll(given.usage, body),
    choices: given.choices.map((choice) => ({
      ...JSON.parse(JSON.stringify(choice).replaceAll(/\}+"/g, '       "')),
      finish_reason: "length",
    })),
  });
  const completion: ChatChanges["completion"] = (given, body) => (isFormed(given, body) ? cut(given, body) : given);
  const chunks: ChatChanges["chunks"] = (given, body) => {
    if (!isFormed(given, body) || Number(body["n"] ?? 1) > 1) return given;
    const last = given.findLastIndex(({ choices }) => choices.length > 0);
    return given.flatMap((chunk, place) => {
      if (place === last - 1) return [];
      if (chunk.usage) return [{ ...chunk, usage: useAll(chunk.usage, body) }];
      if (place !== last) return [chunk];
      return [{ ...chunk, choices: chunk.choices.map((choice) => ({ ...choice, finish_reason: "length" })) }];
    });
  };
  expect(listKillers(await judge(serve({ chat: { completion, chunks } })))).toEqual([]);
});

/** A 400 with this code to every chat request for which `when` holds. */
function refuse(when: (body: Readonly<Record<string, unknown>>) => boolean, code: string, param: string) {
  const wire = defineReferenceWire();
  const message = `${param} is not supported with this model`;
  const body = { error: { message, type: "invalid_request_error", param, code } };
  const reply: ReferenceWire["reply"] = (given, call) => {
    if (call.operation !== "createChatCompletion" || given.status !== 200) return given;
    if (!when(JSON.parse(Buffer.from(call.body ?? []).toString("utf8")))) return given;
    const headers = { ...given.headers, "content-type": "application/json" };
    return { ...given, status: 400, headers, writes: [{ data: JSON.stringify(body), afterMs: 0 }] };
  };
  return { ...wire, reply };
}

test("a model that has no `max_tokens` leaves chat unsupported, not failed", async () => {
  const wire = refuse((body) => "max_tokens" in body, "unsupported_parameter", "max_tokens");
  const results = await judge(wire);
  expect(listKillers(results)).toEqual([]);
  expect(findOutcome(results, "chat.completion.answers")).toBe("unsupported");
});

/** That ask for a text as the format, which no server has a reason to refuse. */
const ALWAYS_SENT: readonly string[] = ["chat.params.response-format-text", "errors.legal.chat.response-format"];

test("a server without tools, or without structured output, is unsupported there and fails nothing", async () => {
  for (const [param, id] of [
    ["tools", "chat.tools.named-is-called"],
    ["response_format", "chat.format.json-schema"],
  ] as const) {
    const results = await judge(refuse((body) => Boolean(body[param]), "invalid_value", param));
    expect(listKillers(results).filter((killer) => !ALWAYS_SENT.includes(killer))).toEqual([]);
    expect(findOutcome(results, id)).toBe("unsupported");
  }
});

test("a chat template that drops the tools is said with what to do, where a forced call fails", async () => {
  const wire = defineReferenceWire();
  const { createChatCompletion } = wire.operations;
  const dropTools = (body: ChatBody): ChatBody => {
    const { tools: _, tool_choice: __, parallel_tool_calls: ___, ...rest } = body;
    return rest;
  };
  const chat: ReferenceOperations["createChatCompletion"] = {
    ...createChatCompletion,
    answer: (body, context) => createChatCompletion.answer(dropTools(body), context),
  };
  const asked = checks.filter(({ id }) => /^chat\.tools\.(?!refusal|history|result)/.test(id));
  const results = await judgeWire(
    { ...wire, operations: { ...wire.operations, createChatCompletion: chat } },
    { checks: asked },
  );
  expect(listKillers(results)).toEqual([
    "chat.tools.in-prompt",
    "chat.tools.named-is-called",
    "chat.tools.required-calls",
    "chat.tools.allowed-tools",
  ]);
  expect(findOutcome(results, "chat.tools.in-prompt")).toBe("warn");
  for (const id of ["chat.tools.named-is-called", "chat.tools.required-calls"]) {
    const result = results.find(({ check }) => check.id === id);
    expect(result?.outcome).toBe("fail");
    expect(result?.reason).toContain("take a model whose template has tools");
  }
});

test("a server without streams is unsupported there when it says so, and fails when it breaks", async () => {
  const asked = { checks: checks.filter(({ id }) => id.startsWith("chat.stream.")) };
  const isStream = (body: Readonly<Record<string, unknown>>): boolean => body["stream"] === true;
  const refusing = refuse(isStream, "invalid_value", "stream");
  expect(findOutcome(await judgeWire(refusing, asked), "chat.stream.content-type")).toBe("unsupported");
  const breaking: ReferenceWire = {
    ...refusing,
    reply: (reply, call) => {
      const refused = refusing.reply(reply, call);
      return refused === reply ? reply : { ...refused, status: 500 };
    },
  };
  expect(findOutcome(await judgeWire(breaking, asked), "chat.stream.content-type")).toBe("fail");
});

test("an operation that the target does not have is not-testable, never failed", async () => {
  const wire = defineReferenceWire();
  const reply: ReferenceWire["reply"] = (given, call) =>
    call.operation === "createSpeech" ? { ...given, status: 404 } : given;
  const asked = checks.filter(({ id }) => id.startsWith("auth.speech.") || id.startsWith("auth.embeddings."));
  const results = await judgeWire({ ...wire, reply }, { checks: asked });
  const outcomes = (slug: string): unknown[] => [
    ...new Set(results.filter(({ check }) => check.id.startsWith(`auth.${slug}.`)).map(({ outcome }) => outcome)),
  ];
  expect(outcomes("speech")).toEqual(["not-testable"]);
  expect(outcomes("embeddings")).toEqual(["pass"]);
});

test("a server without plain completions, or a model that is for chat alone, leaves their area not-testable", async () => {
  const wire = defineReferenceWire();
  const message = "This is a chat model and not supported in the v1/completions endpoint.";
  const body = { error: { message, type: "invalid_request_error", param: "model", code: null } };
  const reply: ReferenceWire["reply"] = (given, call) =>
    call.operation === "createCompletion"
      ? { ...given, status: 404, writes: [{ data: JSON.stringify(body), afterMs: 0 }] }
      : given;
  const asked = checks.filter(({ area }) => area === "completions");
  const results = await judgeWire({ ...wire, reply }, { checks: asked });
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(["not-testable"]));
});
