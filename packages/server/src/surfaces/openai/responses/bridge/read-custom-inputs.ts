/** Calls of custom tools, which were functions to the upstream: their input is taken out of the arguments as they come. */

import { createInputReader } from "@openai-compat/core";
import type { AnswerEvent } from "../../upstream/answer-event.ts";

/** Not a generator: one that was never started would not close the events. */
export function readCustomInputs(
  events: AsyncIterable<AnswerEvent>,
  customTools: ReadonlySet<string>,
): AsyncIterable<AnswerEvent> {
  if (customTools.size === 0) return events;
  const iterator = events[Symbol.asyncIterator]();
  const map = createMapper(customTools);
  const mapped: AsyncIterableIterator<AnswerEvent> = {
    async next() {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done === true) return { done: true, value: undefined };
        const event = map(value);
        if (event !== null) return { value: event };
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => mapped,
  };
  return mapped;
}

/** Null for a piece that adds nothing to the input. The calls come one after the other. */
function createMapper(customTools: ReadonlySet<string>): (event: AnswerEvent) => AnswerEvent | null {
  let read: ((text: string) => string) | null = null;
  return (event) => {
    if (event.type === "tool-call-start") {
      const isCustom = customTools.has(event.name);
      read = isCustom ? createReader() : null;
      return isCustom ? { ...event, kind: "custom" } : event;
    }
    if (event.type !== "tool-call-delta" || read === null) return event;
    const text = read(event.text);
    return text === "" ? null : { ...event, kind: "custom", text };
  };
}

/** A model that has not been held to the schema may write the input alone. */
function createReader(): (text: string) => string {
  const reader = createInputReader();
  let isWrapped: boolean | null = null;
  return (text) => {
    if (isWrapped === null && text.trim() !== "") isWrapped = text.trimStart().startsWith("{");
    return isWrapped === false ? text : reader.push(text);
  };
}
