import { expect, test } from "vitest";
import { flattenIssues } from "../shared/flatten-issues.ts";
import { createChatCompletionRequestSchema } from "./request.ts";

const minimal = { model: "any-name/of:ours", messages: [{ role: "user", content: "Hi" }] };

function pathsOf(change: Record<string, unknown>): string[] {
  const result = createChatCompletionRequestSchema.safeParse({ ...minimal, ...change });
  return flattenIssues(result.error?.issues ?? []).map((issue) => issue.path);
}

test("a request with a model and one message is enough", () => {
  expect(pathsOf({})).toEqual([]);
});

test("null is accepted for every parameter but model and messages", () => {
  const optional = Object.keys(createChatCompletionRequestSchema.shape).filter((key) => !(key in minimal));
  expect(optional.length).toBeGreaterThan(30);
  expect(pathsOf(Object.fromEntries(optional.map((key) => [key, null])))).toEqual([]);
  expect(pathsOf({ model: null, messages: null }).sort()).toEqual(["messages", "model"]);
});

test("unknown keys are accepted and kept, in the request and in its messages", () => {
  const messages = [{ role: "assistant", content: "x", reasoning_content: "y", annotations: [] }];
  expect(createChatCompletionRequestSchema.parse({ model: "m", messages, top_k: 40 })).toEqual({
    model: "m",
    messages,
    top_k: 40,
  });
});

test("every documented parameter is accepted at once", () => {
  expect(
    pathsOf({
      metadata: { run: "1" },
      top_logprobs: 20,
      temperature: 2,
      top_p: 1,
      user: "u",
      safety_identifier: "s",
      prompt_cache_key: "k",
      prompt_cache_retention: "24h",
      prompt_cache_options: { mode: "explicit", ttl: "30m" },
      service_tier: "flex",
      modalities: ["text", "audio"],
      verbosity: "low",
      reasoning_effort: "minimal",
      max_completion_tokens: 1,
      frequency_penalty: -2,
      presence_penalty: 2,
      web_search_options: {
        search_context_size: "low",
        user_location: { type: "approximate", approximate: { city: "Bern" } },
      },
      response_format: { type: "json_schema", json_schema: { name: "answer", schema: {}, strict: true } },
      audio: { voice: { id: "v" }, format: "wav" },
      store: true,
      moderation: { model: "m", policy: { input: { mode: "block" } } },
      stream: true,
      stop: ["a", "b", "c", "d"],
      logit_bias: { "50256": -100 },
      logprobs: true,
      max_tokens: 1,
      n: 128,
      prediction: { type: "content", content: "text" },
      seed: 2 ** 63,
      stream_options: { include_usage: true, include_obfuscation: false },
      tools: [
        { type: "function", function: { name: "get_weather", parameters: { type: "object" }, strict: null } },
        {
          type: "custom",
          custom: { name: "code", format: { type: "grammar", grammar: { definition: "", syntax: "lark" } } },
        },
      ],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", function: { name: "get_weather" } }] },
      },
      parallel_tool_calls: false,
      function_call: { name: "f" },
      functions: [{ name: "f" }],
    }),
  ).toEqual([]);
});

test.each([
  { type: "function", function: { name: "f" } },
  { type: "custom", custom: { name: "c" } },
  "none",
  "auto",
  "required",
])("the tool choice %j is accepted", (tool_choice) => {
  expect(pathsOf({ tool_choice })).toEqual([]);
});

test("messages of every role are accepted, with content as text and as parts", () => {
  const parts = [{ type: "text", text: "a" }];
  expect(
    pathsOf({
      messages: [
        { role: "developer", content: parts },
        { role: "system", content: parts, name: "s" },
        {
          role: "user",
          content: [
            ...parts,
            { type: "image_url", image_url: { url: "data:image/png;base64,", detail: "low" } },
            { type: "input_audio", input_audio: { data: "", format: "wav" } },
            { type: "file", file: { file_id: "f" } },
          ],
        },
        { role: "assistant", content: [...parts, { type: "refusal", refusal: "no" }] },
        {
          role: "assistant",
          content: null,
          refusal: null,
          audio: null,
          function_call: null,
          tool_calls: [
            { id: "1", type: "function", function: { name: "f", arguments: "{" } },
            { id: "2", type: "custom", custom: { name: "c", input: "" } },
          ],
        },
        { role: "tool", tool_call_id: "1", content: parts },
        { role: "function", name: "f", content: null },
      ],
    }),
  ).toEqual([]);
});

test.each([
  [{ messages: [] }, "messages"],
  [{ model: "" }, "model"],
  [{ temperature: 2.1 }, "temperature"],
  [{ temperature: "1" }, "temperature"],
  [{ top_p: -0.1 }, "top_p"],
  [{ top_logprobs: 21 }, "top_logprobs"],
  [{ n: 0 }, "n"],
  [{ n: 129 }, "n"],
  [{ n: 1.5 }, "n"],
  [{ seed: 1.5 }, "seed"],
  [{ stop: ["1", "2", "3", "4", "5"] }, "stop"],
  [{ presence_penalty: 2.1 }, "presence_penalty"],
  [{ frequency_penalty: -2.1 }, "frequency_penalty"],
  [{ max_completion_tokens: 0 }, "max_completion_tokens"],
  [{ logit_bias: { "1": 101 } }, "logit_bias.1"],
  [{ safety_identifier: "x".repeat(65) }, "safety_identifier"],
  [{ metadata: Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`k${index}`, ""])) }, "metadata"],
  [{ functions: [] }, "functions"],
  [{ tools: [{ type: "function", function: { name: "no spaces" } }] }, "tools[0].function.name"],
  [{ tool_choice: { type: "function" } }, "tool_choice.function"],
  [{ response_format: { type: "xml" } }, "response_format.type"],
  [{ messages: [{ role: "robot", content: "" }] }, "messages[0].role"],
  [{ messages: [{ role: "user" }] }, "messages[0].content"],
  [{ messages: [{ role: "user", content: [{ type: "text" }] }] }, "messages[0].content[0].text"],
  [
    { messages: [{ role: "system", content: [{ type: "image_url", image_url: { url: "" } }] }] },
    "messages[0].content[0].type",
  ],
  [{ messages: [{ role: "tool", content: "x" }] }, "messages[0].tool_call_id"],
])("%j is refused at %s", (change, path) => {
  const paths = pathsOf(change);
  expect(paths.length).toBeGreaterThan(0);
  expect(paths).toContain(path);
});
