import { AiError } from "@openai-compat/core";
import { expect, test, vi } from "vitest";
import { encodeEventStream } from "./encode-event-stream.ts";
import type { EventStreamProtocol } from "./encode-event-stream.ts";
import { encodeSseEvent } from "./sse.ts";

interface TestEvent {
  readonly type: string;
  readonly text?: string;
}

/** Events without names, and a text that says that the stream is complete. */
const UNNAMED: EventStreamProtocol = {
  ending: "data: [DONE]\n\n",
  encodeError: ({ code }) => encodeSseEvent({ error: { code } }),
};
/** Named events, the last of which says by itself that the stream is complete. */
const NAMED: EventStreamProtocol = {
  ending: null,
  encodeError: ({ code }) => encodeSseEvent({ type: "error", code }, "error"),
};

const encodeUnnamed = ({ text }: TestEvent) => (text === undefined ? null : encodeSseEvent({ text }));
const encodeNamed = (event: TestEvent) => encodeSseEvent(event, event.type);

async function* replay(events: readonly TestEvent[], failure?: Error): AsyncGenerator<TestEvent> {
  yield* events;
  if (failure !== undefined) throw failure;
}

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const sent: string[] = [];
  for await (const event of stream) sent.push(event);
  return sent;
}

const EVENTS = [{ type: "begun" }, { type: "text.delta", text: "a" }];
const FAILURE = new AiError("engine_failed", "It broke.");

test.each([
  ["unnamed events and an ending", UNNAMED, encodeUnnamed, ['data: {"text":"a"}\n\n', "data: [DONE]\n\n"]],
  [
    "named events and no ending",
    NAMED,
    encodeNamed,
    ['event: begun\ndata: {"type":"begun"}\n\n', 'event: text.delta\ndata: {"type":"text.delta","text":"a"}\n\n'],
  ],
])("a complete stream of %s is written as its protocol says", async (_name, protocol, encode, expected) => {
  const onError = vi.fn();
  const options = { protocol, signal: new AbortController().signal, onError };
  expect(await collect(encodeEventStream(replay(EVENTS), encode, options))).toEqual(expected);
  expect(onError).not.toHaveBeenCalled();
});

test.each([
  ["unnamed", UNNAMED, encodeUnnamed, 'data: {"error":{"code":"engine_failed"}}\n\n'],
  ["named", NAMED, encodeNamed, 'event: error\ndata: {"type":"error","code":"engine_failed"}\n\n'],
])("a broken stream of %s events ends with its protocol's error, and nothing else", async (_name, ...given) => {
  const [protocol, encode, last] = given;
  const onError = vi.fn();
  const options = { protocol, signal: new AbortController().signal, onError };
  const sent = await collect(encodeEventStream(replay(EVENTS, FAILURE), encode, options));
  expect(sent.at(-1)).toBe(last);
  expect(sent.join("")).not.toContain("[DONE]");
  expect(onError.mock.calls).toEqual([[FAILURE]]);
});

test("a stream that broke because its call was aborted says why it was", async () => {
  const reason = new AiError("shutting_down", "The server is shutting down.");
  const options = { protocol: NAMED, signal: AbortSignal.abort(reason), onError: () => {} };
  const sent = await collect(encodeEventStream(replay([], new Error("aborted")), encodeNamed, options));
  expect(sent).toEqual(['event: error\ndata: {"type":"error","code":"shutting_down"}\n\n']);
});

test("a reader that stops early ends the events behind the stream", async () => {
  let isEnded = false;
  async function* endless(): AsyncGenerator<TestEvent> {
    try {
      for (;;) yield { type: "tick" };
    } finally {
      isEnded = true;
    }
  }
  const options = { protocol: NAMED, signal: new AbortController().signal, onError: () => {} };
  const stream = encodeEventStream(endless(), encodeNamed, options);
  await stream.next();
  await stream.return();
  expect(isEnded).toBe(true);
});
