import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, onTestFinished, test, vi } from "vitest";
import { createSseStream, encodeSseEvent } from "./sse.ts";

/** Each of these ends a line for some parser of the field. */
const LINE_BREAKS = "\n\v\f\r\u001c\u001d\u001e\u0085\u2028\u2029";

test("any value becomes one data line that parses back to itself, whatever splits its lines", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: anyCharacter }), (value, text) => {
      const event = encodeSseEvent({ value, text });
      const lineBreaks = event.split("").filter((character) => LINE_BREAKS.includes(character));
      expect(lineBreaks).toEqual(["\n", "\n"]);
      expect(event).toMatch(/^data: .*\n\n$/u);
      expect(JSON.parse(event.slice("data: ".length))).toEqual(JSON.parse(JSON.stringify({ value, text })));
    }),
  );
  expect(encodeSseEvent("a\u0085\u2028\u2029b")).toBe('data: "a\\u0085\\u2028\\u2029b"\n\n');
});

test("an event with a name says it in a line of its own, before its data", () => {
  expect(encodeSseEvent({ type: "response.created" }, "response.created")).toBe(
    'event: response.created\ndata: {"type":"response.created"}\n\n',
  );
});

test("a name that would end its line, or is none, is refused", () => {
  for (const name of ["a\nb", "a\rb", "a\u2028b", "", "a b", "a\n\ndata: 1"]) {
    expect(() => encodeSseEvent({}, name), JSON.stringify(name)).toThrow(TypeError);
  }
});

function createSource(count: number) {
  const state = { made: 0, ended: false };
  async function* generate() {
    try {
      for (; state.made < count; state.made += 1) yield `data: ${state.made}\n\n`;
    } finally {
      state.ended = true;
    }
  }
  return { state, events: generate() };
}

test("events are made one by one, as they are taken", async () => {
  const { state, events } = createSource(1000);
  const onDisconnect = vi.fn();
  const reader = createSseStream({
    events,
    keepAliveMs: null,
    stallTimeoutMs: 60_000,
    stallClock: "sum",
    onDisconnect,
  }).getReader();
  await reader.read();
  await reader.read();
  expect(state.made).toBeLessThan(4);
  await reader.cancel();
  await vi.waitFor(() => expect(state.ended).toBe(true));
  expect(onDisconnect).toHaveBeenCalled();
});

test("a stream that is left before its first event still cleans up", async () => {
  const { state, events } = createSource(10);
  await createSseStream({
    events,
    keepAliveMs: null,
    stallTimeoutMs: 60_000,
    stallClock: "sum",
    onDisconnect: () => {},
  }).cancel();
  await vi.waitFor(() => expect(state.ended).toBe(true));
});

test("a complete stream ends by itself without reporting a disconnect", async () => {
  const { events } = createSource(3);
  const onDisconnect = vi.fn();
  const body = createSseStream({ events, keepAliveMs: null, stallTimeoutMs: 20, stallClock: "sum", onDisconnect });
  expect(await new Response(body).text()).toBe("data: 0\n\ndata: 1\n\ndata: 2\n\n");
  await new Promise((resolve) => setTimeout(resolve, 40));
  expect(onDisconnect).not.toHaveBeenCalled();
});

test("a client that reads nothing for too long counts as disconnected", async () => {
  const { state, events } = createSource(1000);
  const onDisconnect = vi.fn();
  const reader = createSseStream({
    events,
    keepAliveMs: null,
    stallTimeoutMs: 20,
    stallClock: "sum",
    onDisconnect,
  }).getReader();
  await reader.read();
  await vi.waitFor(() => expect(onDisconnect).toHaveBeenCalled());
  await vi.waitFor(() => expect(state.ended).toBe(true));
});

test.each([
  ["sum", 3],
  ["each", 20],
] as const)(
  "a client that reads one event at a time just before the limit counts as disconnected by the clock '%s'",
  async (stallClock, reads) => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const { events } = createSource(1000);
    const onDisconnect = vi.fn();
    const reader = createSseStream({
      events,
      keepAliveMs: null,
      stallTimeoutMs: 1000,
      stallClock,
      onDisconnect,
    }).getReader();
    let taken = 0;
    while (taken < 20 && onDisconnect.mock.calls.length === 0) {
      await reader.read();
      taken += 1;
      await vi.advanceTimersByTimeAsync(450);
    }
    expect(taken).toBe(reads);
  },
);

test("a client that reads each event at once never counts as disconnected, however long the stream is", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { events } = createSource(1000);
  const onDisconnect = vi.fn();
  const reader = createSseStream({
    events,
    keepAliveMs: null,
    stallTimeoutMs: 1000,
    stallClock: "sum",
    onDisconnect,
  }).getReader();
  for (let taken = 0; taken < 100; taken += 1) {
    await reader.read();
    await vi.advanceTimersByTimeAsync(90);
  }
  expect(onDisconnect).not.toHaveBeenCalled();
});

test("a failure in a stream that its client never read is no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const onUnhandled = (reason: unknown) => void unhandled.push(reason);
  process.prependListener("unhandledRejection", onUnhandled);
  onTestFinished(() => void process.off("unhandledRejection", onUnhandled));
  // oxlint-disable-next-line require-yield -- it breaks before its first event
  async function* breakAtOnce(): AsyncGenerator<string, void> {
    throw new Error("broken at once");
  }
  async function* breakWhenCancelled(): AsyncGenerator<string, void> {
    try {
      yield "data: 1\n\n";
    } finally {
      await Promise.reject(new Error("broken when cancelled"));
    }
  }
  const options = { keepAliveMs: null, stallTimeoutMs: 1000, stallClock: "sum" as const, onDisconnect: () => {} };
  createSseStream({ ...options, events: breakAtOnce() });
  await createSseStream({ ...options, events: breakWhenCancelled() }).cancel();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(unhandled).toEqual([]);
});

/** An event now and another when it is let go. */
function createWaitingSource() {
  const next = Promise.withResolvers<void>();
  async function* generate() {
    yield "data: 0\n\n";
    await next.promise;
    yield "data: 1\n\n";
  }
  return { events: generate(), resume: next.resolve };
}

test("while an event is waited for, comments keep the stream alive", async () => {
  const { events, resume } = createWaitingSource();
  const body = createSseStream({
    events,
    keepAliveMs: 5,
    stallTimeoutMs: 60_000,
    stallClock: "sum",
    onDisconnect: () => {},
  });
  let text = "";
  for await (const bytes of body) {
    text += Buffer.from(bytes).toString();
    if (text.endsWith(": keep-alive\n\n: keep-alive\n\n")) resume();
  }
  expect(text).toMatch(/^data: 0\n\n(?:: keep-alive\n\n){2,}data: 1\n\n$/);
});

test("comments that a client does not read do not pile up", async () => {
  const { events, resume } = createWaitingSource();
  const body = createSseStream({
    events,
    keepAliveMs: 5,
    stallTimeoutMs: 60_000,
    stallClock: "sum",
    onDisconnect: () => {},
  });
  const reader = body.getReader();
  await reader.read();
  expect(Buffer.from((await reader.read()).value ?? "").toString()).toBe(": keep-alive\n\n");
  await new Promise((resolve) => setTimeout(resolve, 60));
  resume();
  let rest = "";
  for (let read = await reader.read(); !read.done; read = await reader.read())
    rest += Buffer.from(read.value).toString();
  expect(rest).toMatch(/^(?:: keep-alive\n\n){0,1}data: 1\n\n$/);
});
