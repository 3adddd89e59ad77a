import fc from "fast-check";
import { expect, test } from "vitest";
import { createChatTemplate } from "./chat-template.ts";
import { createSharedPrefix } from "./shared-prefix.ts";

const [START, END, BEGIN] = [1_000_000, 1_000_001, 1_000_002];
const CONTROLS: Readonly<Record<string, number>> = { "<|start|>": START, "<|end|>": END, "<s>": BEGIN };

/** Code points as tokens, and three control tokens. */
const tokenize = (text: string): number[] =>
  text
    .split(/(<\|start\|>|<\|end\|>|<s>)/u)
    .flatMap((part) => CONTROLS[part] ?? Array.from(part, (character) => character.codePointAt(0) ?? 0));

function createPrefix(source: string, prefixToken: number | null = null) {
  const template = createChatTemplate({ source, bosText: "<s>", eosText: "<|end|>" });
  const isControlToken = (token: number) => token >= START;
  const shared = createSharedPrefix({ template, tokenize, isControlToken, prefixToken });
  const render = (system: string | null, user: string) => {
    const messages = [{ role: "user" as const, content: user }];
    const text = template.render(system === null ? messages : [{ role: "system", content: system }, ...messages]);
    return prefixToken === null ? tokenize(text) : [prefixToken, ...tokenize(text)];
  };
  return { shared, render };
}

const CHAT_ML =
  "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}<|start|>assistant\n";

test("a system prompt is shared up to the control token behind it, and nothing that the user says", () => {
  for (const prefixToken of [null, BEGIN]) {
    const { shared, render } = createPrefix(CHAT_ML, prefixToken);
    const text = fc.string({ unit: fc.constantFrom("a", "\n", " ", "system", "é") });
    fc.assert(
      fc.property(text, text, text, (system, one, other) => {
        const [first, second] = [render(system, one), render(system, other)];
        const count = shared(first);
        expect(count).toBe(shared(second));
        expect(first.slice(0, count)).toEqual(second.slice(0, count));
        const whole = `<|start|>system\n${system}<|end|>\n<|start|>`;
        expect(count).toBe(tokenize(whole).length + (prefixToken === null ? 0 : 1));
      }),
    );
  }
});

test("the beginning of a system prompt is shared by no other one", () => {
  const { shared, render } = createPrefix(CHAT_ML);
  const known = render("The code is 4711.", "a");
  for (const guess of ["The code is", "The code is 4711", "The code is 4711. "]) {
    const tokens = render(guess, "a");
    const count = shared(tokens);
    expect(tokens.slice(0, count)).not.toEqual(known.slice(0, count));
  }
});

test("a prompt without a system prompt shares nothing", () => {
  const { shared, render } = createPrefix(CHAT_ML);
  expect(shared(render(null, "a"))).toBe(0);
  expect(shared([])).toBe(0);
});

test.each([
  [
    "writes system prompts into the user's message",
    "<|start|>user\n{{ messages[0].content }}\n\n{{ messages[1].content }}<|end|>",
  ],
  ["refuses system prompts", "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}a"],
  ["leaves system prompts out", "{{ messages[messages | length - 1].content }}<|end|>"],
])("a model shares nothing whose template %s", (_case, source) => {
  const { shared } = createPrefix(source);
  expect(shared(tokenize("<|start|>user\na\n\nb<|end|>"))).toBe(0);
});
