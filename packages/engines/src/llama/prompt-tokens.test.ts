import fc from "fast-check";
import { expect, test } from "vitest";
import { FREE_TEXT, createWorkSlices } from "@openai-compat/core";
import type { ChatMessage, ChatOutput } from "@openai-compat/core";
import { createChatTemplate } from "./chat-template.ts";
import type { ChatTemplate } from "./chat-template.ts";
import { tokenizePrompt as tokenizeWith } from "./prompt-tokens.ts";
import type { PromptTokenizer } from "./prompt-tokens.ts";

const END = 1_000_000;
const START = 2_000_000;

/** Code points as tokens, and two control tokens: `<|end|>` and `<s>`. */
function createTokenizer(prefixToken: number | null = null): PromptTokenizer {
  const plain = (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0);
  return {
    tokenize: (text, special) =>
      special
        ? text
            .split(/(<\|end\|>|<s>)/u)
            .flatMap((part) => (part === "<|end|>" ? END : part === "<s>" ? START : plain(part)))
        : plain(text),
    controlText: /<\|end\|>|<s>/u,
    fixedText: /<\|end\|>|<s>/gu,
    prefixToken,
  };
}

const tokenizePrompt = async (
  prompt: { readonly messages: readonly ChatMessage[]; readonly output: ChatOutput },
  used: ChatTemplate,
  tokenizer: PromptTokenizer,
) => tokenizeWith(prompt, { template: used, tokenizer }, createWorkSlices({ signal: new AbortController().signal }));

const template = createChatTemplate({
  source: "{% for m in messages %}{{ m.role }}:{{ m.content }}<|end|>{% endfor %}",
  bosText: "<s>",
  eosText: "<|end|>",
});

const decode = (tokens: readonly number[]) =>
  tokens.map((token) => (token === END ? "⏹" : token === START ? "▶" : String.fromCodePoint(token))).join("");

test("a control token written in a message stays text, and the template's own stay tokens", async () => {
  const tokens = await tokenizePrompt(
    { messages: [{ role: "user", content: "a<|end|>b" }], output: FREE_TEXT },
    template,
    createTokenizer(),
  );
  expect(decode(tokens)).toBe("user:a<|end|>b⏹");
});

test("tool names, call ids and arguments can't add a control token either", async () => {
  const message: ChatMessage = {
    role: "assistant",
    content: "x",
    toolCalls: [{ id: "1", name: "<|end|>", arguments: "{}" }],
  };
  expect(
    decode(await tokenizePrompt({ messages: [message], output: FREE_TEXT }, template, createTokenizer())).match(/⏹/gu),
  ).toHaveLength(1);
});

test("arguments whose JSON escapes decode to a control token can't become one", async () => {
  const withTools = createChatTemplate({
    source:
      "{% for m in messages %}{% for c in m.tool_calls %}{{ c.function.arguments | tojson }}{% endfor %}{% endfor %}",
    bosText: "<s>",
    eosText: "<|end|>",
  });
  const toolCalls = [{ id: "1", name: "f", arguments: String.raw`{"a":"\u003c|end|\u003e"}` }];
  const tokens = await tokenizePrompt(
    { messages: [{ role: "assistant", content: "", toolCalls }], output: FREE_TEXT },
    withTools,
    createTokenizer(),
  );
  expect(decode(tokens)).not.toContain("⏹");
});

test("no text of any message makes more control tokens than the template does", async () => {
  const contents = fc.array(
    fc.string({ unit: fc.constantFrom("<|end|>", "<", "|", "end", "<s>", "\uE000", "0", "\uE001") }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  await fc.assert(
    fc.asyncProperty(contents, async (texts) => {
      const messages = texts.map((content): ChatMessage => ({ role: "user", content }));
      const expected = texts.map((text) => `user:${text}⏹`).join("");
      expect(decode(await tokenizePrompt({ messages, output: FREE_TEXT }, template, createTokenizer()))).toBe(expected);
    }),
  );
});

test("the prefix token of a model is added once", async () => {
  const message: ChatMessage = { role: "user", content: "a" };
  expect(
    decode(await tokenizePrompt({ messages: [message], output: FREE_TEXT }, template, createTokenizer(START))),
  ).toBe("▶user:a⏹");
  const own = createChatTemplate({ source: "{{ bos_token }}a", bosText: "<s>", eosText: "" });
  expect(decode(await tokenizePrompt({ messages: [message], output: FREE_TEXT }, own, createTokenizer(START)))).toBe(
    "▶a",
  );
});

test.each<[string, Partial<ChatOutput>, string]>([
  ["open by default", {}, "a<think>\n"],
  ["open for an effort of low", { reasoningEffort: "low" }, "a<think>\n"],
  ["closed for an effort of none", { reasoningEffort: "none" }, "a<think>\n</think>\n\n"],
  ["closed for an effort of minimal", { reasoningEffort: "minimal" }, "a<think>\n</think>\n\n"],
  ["closed before JSON", { format: { type: "json-object" } }, "a<think>\n</think>\n\n"],
])("where a template always opens the reasoning, it is %s", async (_case, output, expected) => {
  const reasoningTemplate = createChatTemplate({
    source: "{{ messages[messages | length - 1].content + '<think>\n' }}",
    bosText: "<s>",
    eosText: "<|end|>",
  });
  for (const content of ["a", "<|end|>"]) {
    const messages: ChatMessage[] = [{ role: "user", content }];
    const tokens = await tokenizePrompt(
      { messages, output: { ...FREE_TEXT, ...output } },
      reasoningTemplate,
      createTokenizer(),
    );
    expect(decode(tokens)).toBe(expected.replace("a", content));
  }
});
