import { AiError, FREE_TEXT } from "@openai-compat/core";
import type { CreateChatCompletionRequest } from "@openai-compat/spec";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeChatCompletion } from "./decode.ts";

const BASE = { model: "m", messages: [{ role: "user", content: "Hi" }] };
/** Without what was sent. */
const decode = (body: object) => {
  const { request, stream } = decodeChatCompletion({ ...BASE, ...body });
  return { request, stream };
};
const decodeMessage = (message: object) => decode({ messages: [message] }).request.messages[0];

function refusalOf(body: unknown): { code: string; param: string | null; message: string } {
  try {
    decodeChatCompletion(body);
  } catch (thrown) {
    if (thrown instanceof AiError) return { code: thrown.code, param: thrown.param, message: thrown.message };
    throw thrown;
  }
  throw new Error("The body was accepted.");
}

test("what is left out gets OpenAI's defaults, or those of the model", () => {
  expect(decode({})).toEqual({
    request: {
      messages: [{ role: "user", content: "Hi" }],
      choices: 1,
      tokensMax: null,
      stop: [],
      temperature: null,
      topP: null,
      topK: null,
      minP: null,
      repeatPenalty: null,
      presencePenalty: 0,
      frequencyPenalty: 0,
      seed: null,
      stream: false,
      logitBias: {},
      output: FREE_TEXT,
      topLogprobs: null,
    },
    stream: null,
  });
});

test("a long key of the caller's is not sent back", () => {
  const { param, message } = refusalOf({ ...BASE, metadata: { ["k".repeat(10_000)]: 5 } });
  expect(param).toBe("metadata");
  expect(message.length).toBeLessThan(300);
});

test("a number beyond what JSON readers can hold is refused in words that make sense", () => {
  const { message } = refusalOf({ ...BASE, temperature: JSON.parse("1e400") });
  expect(message).toBe(
    "Invalid type for 'temperature': expected a number, but got one beyond what a number can hold instead.",
  );
});

test("a bias may be any number within its bounds", () => {
  expect(decode({ logit_bias: { "5": -0.5, "6": 99.9 } }).request.logitBias).toEqual({ 5: -0.5, 6: 99.9 });
});

test("each sampling parameter reaches the engine", () => {
  const body = {
    n: 3,
    max_tokens: 5,
    stop: ["a", "b"],
    temperature: 0,
    top_p: 0.5,
    presence_penalty: -1,
    frequency_penalty: 1,
    seed: 42,
    logit_bias: { "50256": -100 },
  };
  expect(decode(body).request).toMatchObject({
    choices: 3,
    tokensMax: 5,
    stop: ["a", "b"],
    temperature: 0,
    topP: 0.5,
    presencePenalty: -1,
    frequencyPenalty: 1,
    seed: 42,
    logitBias: { 50256: -100 },
  });
});

test("max_completion_tokens wins over the name that it replaced", () => {
  expect(decode({ max_tokens: 9, max_completion_tokens: 4 }).request.tokensMax).toBe(4);
});

test.each([
  ["end", ["end"]],
  ["", []],
  [["", "x"], ["x"]],
  [null, []],
])("stop %j means %j", (stop, expected) => {
  expect(decode({ stop }).request.stop).toEqual(expected);
});

test.each([
  [{}, null],
  [{ stream: false, stream_options: { include_usage: true } }, null],
  [{ stream: true }, { includeUsage: false, includeObfuscation: false, mayCallTools: false }],
  [
    { stream: true, stream_options: null },
    { includeUsage: false, includeObfuscation: false, mayCallTools: false },
  ],
  [
    { stream: true, stream_options: { include_usage: true } },
    { includeUsage: true, includeObfuscation: false, mayCallTools: false },
  ],
  [
    { stream: true, stream_options: { include_obfuscation: true } },
    { includeUsage: false, includeObfuscation: true, mayCallTools: false },
  ],
])("%j asks for the stream %j", (body, expected) => {
  expect(decode(body).stream).toEqual(expected);
});

/** One accepted use of every documented parameter; the type keeps it complete. */
const ACCEPTED: Required<CreateChatCompletionRequest> = {
  model: "m",
  messages: [{ role: "user", content: "Hi" }],
  metadata: { a: "b" },
  top_logprobs: 0,
  temperature: 1,
  top_p: 1,
  user: "u",
  safety_identifier: "s",
  prompt_cache_key: "k",
  prompt_cache_retention: "24h",
  prompt_cache_options: { mode: "implicit" },
  service_tier: "auto",
  modalities: ["text"],
  verbosity: "low",
  reasoning_effort: "minimal",
  max_completion_tokens: 1,
  frequency_penalty: 0,
  presence_penalty: 0,
  web_search_options: null,
  response_format: { type: "text" },
  audio: null,
  store: true,
  moderation: null,
  stream: true,
  stop: "x",
  logit_bias: {},
  logprobs: false,
  max_tokens: 1,
  n: 1,
  prediction: { type: "content", content: "x" },
  seed: 1,
  stream_options: { include_usage: true },
  tools: [],
  tool_choice: "none",
  parallel_tool_calls: true,
  function_call: "none",
  functions: null,
};

test.each(Object.entries(ACCEPTED))("%s is accepted, and null counts as left out", (name, value) => {
  expect(() => decode({ [name]: value })).not.toThrow();
  if (name !== "model" && name !== "messages") expect(decode({ [name]: null })).toEqual(decode({}));
});

test("a parameter that OpenAI does not document is ignored", () => {
  expect(decode({ mirostat: 2, num_ctx: 8192 })).toEqual(decode({}));
});

const TOOL = { type: "function", function: { name: "f", parameters: {} } };

test.each([
  [{ tool_choice: "required" }, "invalid_value", "tool_choice"],
  [{ functions: [{ name: "f" }] }, "unsupported_parameter", "functions"],
  [{ function_call: { name: "f" } }, "unsupported_parameter", "function_call"],
  [{ top_logprobs: 2 }, "invalid_value", "top_logprobs"],
  [{ modalities: ["text", "audio"] }, "unsupported_value", "modalities"],
  [{ audio: { voice: "v", format: "mp3" } }, "unsupported_parameter", "audio"],
  [{ moderation: { model: "m" } }, "unsupported_parameter", "moderation"],
  [{ web_search_options: {} }, "unsupported_parameter", "web_search_options"],
])("%j is refused by name", (body, code, param) => {
  expect(refusalOf({ ...BASE, ...body })).toMatchObject({ code, param });
});

test("tools that may not be called are accepted, for clients that always send them", () => {
  expect(() => decode({ tools: [TOOL], tool_choice: "none" })).not.toThrow();
  expect(() => decode({ functions: [{ name: "f" }], function_call: "none" })).not.toThrow();
});

test.each([
  [
    { role: "system", content: "s" },
    { role: "system", content: "s" },
  ],
  [
    { role: "developer", content: "d" },
    { role: "system", content: "d" },
  ],
  [
    { role: "user", content: "u", name: "ada" },
    { role: "user", content: "u", name: "ada" },
  ],
  [
    { role: "user", content: "u", name: null },
    { role: "user", content: "u" },
  ],
  [
    { role: "assistant", content: "a", refusal: null, audio: null, function_call: null },
    { role: "assistant", content: "a" },
  ],
  [
    { role: "assistant", content: null, refusal: "no" },
    { role: "assistant", content: "no" },
  ],
  [
    { role: "function", content: null, name: "f" },
    { role: "tool", content: "", name: "f", toolCallId: "f" },
  ],
])("the message %j becomes %j", (wire, expected) => {
  expect(decodeMessage(wire)).toEqual(expected);
});

test.each(["system", "developer", "user", "assistant"])(
  "text parts of a %s message are joined by line breaks",
  (role) => {
    const content = [
      { type: "text", text: "one" },
      { type: "text", text: "two" },
    ];
    expect(decodeMessage({ role, content })).toMatchObject({ content: "one\ntwo" });
  },
);

test("a replayed tool call keeps its id, name and arguments, and the input of a custom one is an argument", () => {
  const message = {
    role: "assistant",
    content: null,
    tool_calls: [
      { id: "c1", type: "function", function: { name: "f", arguments: "{}" } },
      { id: "c2", type: "custom", custom: { name: "g", input: "x" } },
    ],
    function_call: { name: "h", arguments: "1" },
  };
  const results = [
    { role: "tool", content: "r1", tool_call_id: "c1" },
    { role: "tool", content: "r2", tool_call_id: "c2" },
  ];
  const [call, first, second] = decode({ ...BASE, messages: [message, ...results] }).request.messages;
  expect([first, second]).toEqual([
    { role: "tool", content: "r1", toolCallId: "c1" },
    { role: "tool", content: "r2", toolCallId: "c2" },
  ]);
  expect(call).toEqual({
    role: "assistant",
    content: "",
    toolCalls: [
      { id: "c1", name: "f", arguments: "{}" },
      { id: "c2", name: "g", arguments: '{"input":"x"}' },
      { id: "h", name: "h", arguments: "1" },
    ],
  });
});

test("consecutive messages of one role are all kept, in order", () => {
  const messages = ["a", "b", "c"].map((content) => ({ role: "user", content }));
  expect(decode({ messages }).request.messages).toEqual(messages);
});

test.each([
  [{ type: "image_url", image_url: { url: "data:," } }],
  [{ type: "input_audio", input_audio: { data: "", format: "wav" } }],
  [{ type: "file", file: { file_id: "f" } }],
])("a part that is no text is refused by its place: %j", (part) => {
  const body = { ...BASE, messages: [{ role: "user", content: [{ type: "text", text: "look" }, part] }] };
  expect(refusalOf(body)).toMatchObject({ code: "unsupported_value", param: "messages[0].content[1].type" });
});

test.each([
  [null, "invalid_type", null],
  [[], "invalid_type", null],
  ["text", "invalid_type", null],
  [{}, "missing_required_parameter", "messages"],
  [{ messages: BASE.messages }, "missing_required_parameter", "model"],
  [{ ...BASE, messages: [] }, "invalid_value", "messages"],
  [{ ...BASE, messages: "Hi" }, "invalid_type", "messages"],
  [{ ...BASE, messages: [{ content: "Hi" }] }, "missing_required_parameter", "messages[0].role"],
  [{ ...BASE, messages: [{ role: "robot", content: "Hi" }] }, "invalid_value", "messages[0].role"],
  [{ ...BASE, messages: [{ role: "user" }] }, "missing_required_parameter", "messages[0].content"],
  [{ ...BASE, messages: [{ role: "user", content: 5 }] }, "invalid_type", "messages[0].content"],
  [
    { ...BASE, messages: [{ role: "user", content: [{ type: "text" }] }] },
    "missing_required_parameter",
    "messages[0].content[0].text",
  ],
  [
    { ...BASE, messages: [{ role: "user", content: [{ type: "video" }] }] },
    "invalid_value",
    "messages[0].content[0].type",
  ],
  [{ ...BASE, messages: [{ role: "tool", content: "x" }] }, "missing_required_parameter", "messages[0].tool_call_id"],
  [{ ...BASE, model: 7 }, "invalid_type", "model"],
  [{ ...BASE, temperature: 3 }, "invalid_value", "temperature"],
  [{ ...BASE, temperature: -1 }, "invalid_value", "temperature"],
  [{ ...BASE, temperature: "hot" }, "invalid_type", "temperature"],
  [{ ...BASE, top_p: 1.5 }, "invalid_value", "top_p"],
  [{ ...BASE, n: 0 }, "invalid_value", "n"],
  [{ ...BASE, n: 1.5 }, "invalid_type", "n"],
  [{ ...BASE, max_tokens: 0 }, "invalid_value", "max_tokens"],
  [{ ...BASE, stop: ["a", "b", "c", "d", "e"] }, "invalid_value", "stop"],
  [{ ...BASE, stop: 5 }, "invalid_type", "stop"],
  [{ ...BASE, stream: "yes" }, "invalid_type", "stream"],
  [{ ...BASE, tool_choice: "sometimes" }, "invalid_value", "tool_choice"],
  [{ ...BASE, logit_bias: { "5": 100.5 } }, "invalid_value", "logit_bias.5"],
  [{ ...BASE, logit_bias: { "5": 101 } }, "invalid_value", "logit_bias.5"],
  [{ ...BASE, logit_bias: { word: 1 } }, "invalid_value", "logit_bias"],
  [{ ...BASE, reasoning_effort: 5 }, "invalid_type", "reasoning_effort"],
  [{ ...BASE, seed: 1.5 }, "invalid_value", "seed"],
])("%j is refused as OpenAI refuses it", (body, code, param) => {
  expect(refusalOf(body)).toMatchObject({ code, param });
});

test("a refusal says what was expected and what came", () => {
  expect(refusalOf({ ...BASE, stop: 5 }).message).toBe(
    "Invalid type for 'stop': expected a string or an array, but got an integer instead.",
  );
  expect(refusalOf({ ...BASE, messages: [{ role: "robot", content: "Hi" }] }).message).toBe(
    "Invalid value for 'messages[0].role': 'robot'. Supported values are: 'developer', 'system', 'user', 'assistant', 'tool', 'function'.",
  );
});

test("any JSON at all is either decoded or refused with an AiError", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...Object.keys(ACCEPTED)), (value, name) => {
      for (const body of [value, { ...BASE, [name]: value }]) {
        try {
          decodeChatCompletion(body);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(AiError);
        }
      }
    }),
  );
});

test("sampling that other servers take is taken by its names", () => {
  expect(decode({ top_k: 40, min_p: 0.1, repetition_penalty: 1.2 }).request).toMatchObject({
    topK: 40,
    minP: 0.1,
    repeatPenalty: 1.2,
  });
  expect(decode({ top_k: -1, repeat_penalty: 1.1 }).request).toMatchObject({ topK: 0, repeatPenalty: 1.1 });
});

test.each([{ top_k: 1.5 }, { top_k: "40" }, { min_p: 2 }, { repetition_penalty: 0 }, { repeat_penalty: 3 }])(
  "%j is refused by its name",
  (fields) => {
    expect(() => decode(fields)).toThrow(expect.objectContaining({ param: Object.keys(fields)[0] }));
  },
);
