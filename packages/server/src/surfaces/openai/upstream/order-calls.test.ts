import { expect, test } from "vitest";
import type { AnswerEvent } from "./answer-event.ts";
import { createCallOrder } from "./order-calls.ts";

const start = (callIndex: number, kind: "function" | "custom" = "function"): AnswerEvent => ({
  type: "tool-call-start",
  index: 0,
  callIndex,
  id: `call_${callIndex}`,
  kind,
  name: "f",
});
const piece = (callIndex: number, text: string): AnswerEvent => ({
  type: "tool-call-delta",
  index: 0,
  callIndex,
  kind: "function",
  text,
});
const text = (said: string): AnswerEvent => ({ type: "text-delta", index: 0, text: said, logprobs: null });

function put(...events: AnswerEvent[]) {
  const order = createCallOrder();
  const passed = events.flatMap((event) => [...order.push(event)]);
  return { passed, all: [...passed, ...order.end()] };
}

test("calls that come one after the other pass at once", () => {
  const events = [text("A"), start(0), piece(0, '{"a"'), piece(0, ":1}"), start(1), piece(1, "{}"), text("B")];
  expect(put(...events).passed).toEqual(events);
});

test("pieces that come side by side are put in order as soon as a call is complete", () => {
  const events = [start(0), start(1), piece(1, "{"), piece(0, '{"a":'), piece(0, "1}"), piece(1, "}")];
  expect(put(...events).passed).toEqual([
    start(0),
    piece(0, '{"a":'),
    piece(0, "1}"),
    start(1),
    piece(1, "{"),
    piece(1, "}"),
  ]);
});

test("calls whose arguments are no JSON are in order at the end, and none is lost", () => {
  const { passed, all } = put(start(0), start(1), start(2), piece(2, "c"), piece(1, "b"), piece(0, "a"), text("D"));
  expect(passed).toEqual([start(0), piece(0, "a")]);
  expect(all).toEqual([start(0), piece(0, "a"), start(1), piece(1, "b"), start(2), piece(2, "c"), text("D")]);
});

test("a call of a custom tool is complete at any time", () => {
  expect(put(start(0, "custom"), piece(0, "x"), start(1)).passed).toHaveLength(3);
});

test("whitespace after a complete call is dropped, and more of it is a failure of the upstream", () => {
  expect(put(start(0), piece(0, "{}"), text("A"), piece(0, "\n")).all).toHaveLength(3);
  expect(() => put(start(0), piece(0, "{}"), text("A"), piece(0, "{}"))).toThrow("a call that was complete");
});
