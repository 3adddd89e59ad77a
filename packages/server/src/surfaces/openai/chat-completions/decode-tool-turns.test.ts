import { expect, test } from "vitest";
import { decodeChatCompletion } from "./decode.ts";

const user = { role: "user", content: "u" };
const calls = (...ids: string[]) => ({
  role: "assistant",
  content: null,
  tool_calls: ids.map((id) => ({ id, type: "function", function: { name: "f", arguments: "{}" } })),
});
const answers = (...ids: string[]) => ids.map((id) => ({ role: "tool", tool_call_id: id, content: "r" }));
const decode = (...messages: object[]) => decodeChatCompletion({ model: "m", messages }).request.messages;

test.each([
  ["one call and its result", [user, calls("a"), ...answers("a")]],
  ["two calls, answered in either order", [user, calls("a", "b"), ...answers("b", "a"), user]],
  ["calls in several turns", [calls("a"), ...answers("a"), calls("a"), ...answers("a"), user]],
])("%s are taken", (_case, messages) => {
  expect(decode(...messages)).toHaveLength(messages.length);
});

test.each([
  ["a result without a call", [user, ...answers("a")], "messages[1].role"],
  ["a result of another call", [calls("a"), ...answers("b")], "messages[1].role"],
  ["a second result of the same call", [calls("a"), ...answers("a", "a")], "messages[2].role"],
  ["a result after the next turn began", [calls("a"), user, ...answers("a")], "messages[0].tool_calls"],
  ["a call without a result at the end", [user, calls("a")], "messages[1].tool_calls"],
  ["one of two calls without a result", [calls("a", "b"), ...answers("a"), user], "messages[0].tool_calls"],
])("%s is refused by its place", (_case, messages, param) => {
  expect(() => decode(...messages)).toThrow(expect.objectContaining({ code: "invalid_value", param }));
});

test("the refusal names the calls that wait for a result", () => {
  expect(() => decode(calls("call_1", "call_2"), ...answers("call_1"))).toThrow(/did not have .*: call_2$/);
});
