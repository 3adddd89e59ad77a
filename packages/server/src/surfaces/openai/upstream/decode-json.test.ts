import { expect, test } from "vitest";
import { decodeUpstreamSpeech } from "../audio/decode-upstream-speech.ts";
import { decodeUpstreamChat } from "../chat-completions/decode-upstream.ts";
import { decodeUpstreamCompletion } from "../completions/decode-upstream.ts";
import { decodeUpstreamEmbedding } from "../embeddings/decode-upstream.ts";

const DECODERS = {
  createChatCompletion: decodeUpstreamChat,
  createCompletion: decodeUpstreamCompletion,
  createEmbedding: decodeUpstreamEmbedding,
  createSpeech: decodeUpstreamSpeech,
};

function boundsOf(operation: keyof typeof DECODERS, value: object) {
  const body = { model: "far", ...value };
  return DECODERS[operation]({ value: body, bytes: JSON.stringify(body).length }, { traceParent: null }).bounds;
}

const messages = [{ role: "user", content: "Hi" }];

test("of two names of one limit the newer one counts", () => {
  expect(
    boundsOf("createChatCompletion", { messages, max_tokens: 2000, max_completion_tokens: 1 }).outputTokensMax,
  ).toBe(1);
  expect(
    boundsOf("createChatCompletion", { messages, max_tokens: 2000, max_completion_tokens: null }).outputTokensMax,
  ).toBe(2000);
  expect(boundsOf("createChatCompletion", { messages }).outputTokensMax).toBeNull();
});

test.each([
  ["createChatCompletion", { messages, max_tokens: 0 }, "max_tokens"],
  ["createChatCompletion", { messages, max_tokens: -1 }, "max_tokens"],
  ["createChatCompletion", { messages, max_completion_tokens: "2000" }, "max_completion_tokens"],
  ["createChatCompletion", { messages, max_tokens: 1.5 }, "max_tokens"],
  ["createChatCompletion", { messages, n: 0 }, "n"],
  ["createChatCompletion", { messages, n: "9" }, "n"],
  ["createCompletion", { prompt: "a", best_of: 1000 }, "best_of"],
  ["createCompletion", { prompt: [["a"]] }, "prompt[0]"],
  ["createCompletion", { prompt: ["a", [[1]]] }, "prompt[1]"],
  ["createCompletion", { prompt: [{ text: "a" }] }, "prompt[0]"],
  ["createCompletion", { prompt: ["a", -1] }, "prompt[1]"],
] as const)("a %s whose cost nothing bounds (%o) is refused by name", (operation, value, param) => {
  expect(() => boundsOf(operation, value)).toThrow(expect.objectContaining({ param }));
});

test.each([
  ["a", 1],
  [[1, 2, 3], 1],
  [["a", "b"], 2],
  [[[1, 2], [3]], 2],
  [["a", [1, 2], 3], 3],
  [[], 1],
])("the prompt %j is so many prompts: %i", (prompt, prompts) => {
  expect(boundsOf("createCompletion", { prompt })).toMatchObject({ prompts });
});

test("each answer counts, and so do those that are thrown away", () => {
  expect(boundsOf("createCompletion", { prompt: "a", n: 2, best_of: 5 }).answers).toBe(5);
  expect(boundsOf("createCompletion", { prompt: "a", n: 3 }).answers).toBe(3);
  expect(boundsOf("createChatCompletion", { messages, n: 3, best_of: 5 }).answers).toBe(3);
  expect(boundsOf("createEmbedding", { input: ["a", "b"], n: 5 })).toMatchObject({ answers: 1, prompts: 2 });
});

test.each([
  ["an image", { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }] }],
  ["a recording", { messages: [{ role: "user", content: [{ type: "input_audio", input_audio: {} }] }] }],
  ["a file", { messages: [{ role: "user", content: [{ type: "file", file: { file_id: "f" } }] }] }],
  ["an earlier answer that was spoken", { messages: [{ role: "assistant", audio: { id: "a" } }, ...messages] }],
  ["images beside the text", { messages: [{ role: "user", content: "Hi", images: ["x"] }] }],
  ["a part without a type", { messages: [{ role: "user", content: [{ text: "Hi" }] }] }],
  ["a hosted tool", { messages, tools: [{ type: "web_search" }] }],
])("a prompt with %s is not bounded by its bytes", (_what, value) => {
  expect(boundsOf("createChatCompletion", value).inputBytes).toBeNull();
});

test("text and the caller's own tools are", () => {
  const content = [
    { type: "text", text: "Hi" },
    { type: "refusal", refusal: "No" },
  ];
  const answered = { role: "assistant", content: "", refusal: null, audio: null, annotations: [], reasoning: "x" };
  const value = {
    messages: [answered, { role: "user", content }],
    tools: [{ type: "function", function: { name: "f" } }],
  };
  expect(boundsOf("createChatCompletion", value).inputBytes).toBeGreaterThan(100);
  expect(boundsOf("createEmbedding", { input: [{ type: "image", image: "x" }] }).inputBytes).toBeNull();
});

test("what an upstream counts beyond the limit is bounded by the bytes that were sent", () => {
  expect(boundsOf("createChatCompletion", { messages }).unlimitedOutputTokens).toBe(0);
  expect(
    boundsOf("createChatCompletion", { messages, prediction: { type: "content", content: "x" } }).unlimitedOutputTokens,
  ).toBeGreaterThan(9);
  expect(boundsOf("createCompletion", { prompt: "a", echo: true }).unlimitedOutputTokens).toBeGreaterThan(9);
  const budgets = [
    { reasoning: { max_tokens: 4000 } },
    { thinking: { type: "enabled", budget_tokens: "4000" } },
    { chat_template_kwargs: { thinking: { budget: 4000 } } },
  ];
  for (const budget of budgets) {
    expect(boundsOf("createChatCompletion", { messages, max_tokens: 1, ...budget }).unlimitedOutputTokens).toBe(
      Infinity,
    );
  }
  const effort = { reasoning: { effort: "low" }, chat_template_kwargs: { enable_thinking: false } };
  expect(boundsOf("createChatCompletion", { messages, max_tokens: 1, ...effort }).unlimitedOutputTokens).toBe(0);
});

test("what is spoken and how to speak it is counted by the character", () => {
  expect(boundsOf("createSpeech", { input: "Grüße 🌊", voice: "a", instructions: "Sing" }).characters).toBe(11);
});
