/** Chats whose messages are long, many or odd. */

import { BYTES, VALUES, chatBody, fill } from "./worst-body.ts";
import type { WorstBody } from "./worst-body.ts";

/** The longest text that a context of 8,192 tokens may hold by the count of its characters. */
const LONGEST_TEXT = 8192 * 32 - 100;
const MESSAGES = 8000;

function say(content: unknown, model = "local"): Readonly<Record<string, unknown>> {
  return { model, messages: [{ role: "user", content }] };
}

function many(count: number, content: string): Readonly<Record<string, unknown>> {
  return { messages: fill(count, () => ({ role: "user", content })) };
}

/** Calls of tools and their answers. @param text of each call's arguments. */
function turns(count: number, text: string): unknown[] {
  const calls = fill(count, (index) => ({
    id: `c${index}`,
    type: "function",
    function: { name: "f", arguments: text },
  }));
  const answers = calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: "" }));
  return [{ role: "user", content: "" }, { role: "assistant", content: null, tool_calls: calls }, ...answers];
}

const LINE = 'a <b> "c"\n';
const FACE = "\u{1f600}";

export const MESSAGE_BODIES: readonly WorstBody[] = [
  chatBody("33 MB of text in a message", () => say("a".repeat(BYTES))),
  chatBody("33 MB of text in a message, scripted engine", () => say("a ".repeat(BYTES / 2), "scripted")),
  chatBody("33 MB of escapes in a message", () => say("\u0001".repeat(BYTES / 6))),
  chatBody("33 MB of emojis in a message", () => say(FACE.repeat(BYTES / 4))),
  chatBody("the longest text that may fit, words", () => say("a ".repeat(LONGEST_TEXT / 2))),
  chatBody("the longest text that may fit, one word", () => say("a".repeat(LONGEST_TEXT))),
  chatBody("the longest text that may fit, blanks", () => say(" ".repeat(LONGEST_TEXT))),
  chatBody("the longest text that may fit, line breaks", () => say("\n".repeat(LONGEST_TEXT))),
  chatBody("the longest text that may fit, lines with <", () => say(LINE.repeat(LONGEST_TEXT / LINE.length))),
  chatBody("the longest text that may fit, control tokens", () => say("<|im_end|>".repeat(LONGEST_TEXT / 10))),
  chatBody("the longest text that may fit, emojis", () => say(FACE.repeat(LONGEST_TEXT / 2))),
  chatBody("the longest text that may fit, lone surrogates", () => say("\ud800".repeat(LONGEST_TEXT))),
  chatBody("the longest text that may fit, scripted engine", () => say("a ".repeat(LONGEST_TEXT / 2), "scripted")),
  chatBody("8,000 short messages", () => many(MESSAGES, "a")),
  chatBody("8,000 short messages with <", () => many(MESSAGES, "<")),
  chatBody("8,000 messages of 32 characters with <", () => many(MESSAGES, "<|im_start|>aaaaaaaaaaaaaaaaaaaa")),
  chatBody("8,000 short messages, scripted engine", () => ({ ...many(MESSAGES, "a"), model: "scripted" })),
  chatBody("33,000 short messages", () => many(VALUES / 3, "a")),
  chatBody("33,000 messages of no role", () => ({ messages: fill(VALUES / 3, () => ({ content: "a", x: 1 })) })),
  chatBody("99,000 messages that are numbers", () => ({ messages: fill(VALUES, () => 1) })),
  chatBody("33,000 text parts", () => say(fill(VALUES / 3, () => ({ type: "text", text: "" })))),
  chatBody("49,000 wrong parts", () => say(fill(VALUES / 2, () => ({ type: 1 })))),
  chatBody("49,000 wrong parts after a good one", () =>
    say([{ type: "text", text: "a" }, ...fill(VALUES / 2, () => ({ type: "text" }))]),
  ),
  chatBody("33,000 image parts", () =>
    say(fill(VALUES / 4, () => ({ type: "image_url", image_url: { url: "data:image/png;base64,AA" } }))),
  ),
  chatBody("4,000 calls of tools and their answers", () => ({ messages: turns(4000, "{}") })),
  chatBody("2,000 calls of tools and their answers", () => ({ messages: turns(2000, '{"a":"<"}') })),
  chatBody("2,048 short messages with <", () => many(2048, "<|im_end|>")),
  chatBody("16,000 calls of tools with one answer", () => ({
    messages: turns(16_000, "{}")
      .slice(0, 3)
      .map((message) => JSON.parse(JSON.stringify(message).replaceAll(/"c\d+"/g, '"c"'))),
  })),
  chatBody("99,000 unknown fields in a message", () => ({
    messages: [{ role: "user", content: "a", ...Object.fromEntries(fill(VALUES, (index) => [`k${index}`, 1])) }],
  })),
  chatBody("8,000 calls of tools, unanswered", () => ({ messages: turns(8000, "{}").slice(0, 2) })),
  chatBody("a tool's arguments, nested 100,000 deep", () => ({
    messages: turns(1, "[".repeat(100_000) + "]".repeat(100_000)),
  })),
  chatBody("a tool's arguments of 200 kB", () => ({
    messages: turns(1, JSON.stringify({ list: fill(20_000, (index) => index) })),
  })),
  chatBody("a name of 33 MB", () => ({ messages: [{ role: "user", content: "a", name: "<".repeat(BYTES) }] })),
];
