/** Checks of the framing of an event stream: what the bytes between and around the chunks have to be. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { Exchange } from "../../src/exchange.ts";
import { DONE, sseFrames, sseStream } from "../../src/expect-stream.ts";
import { assume, expectResponse, expectStatus, expectThat, isJsonObject } from "../../src/expect.ts";
import type { SseFrame } from "../../src/sse.ts";
import { streamChat, wireStream } from "../support/chat-calls.ts";
import { OWNERS } from "../support/owners.ts";

const SSE = {
  area: "sse",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

/** Frames of an opened stream that holds data at all. @throws Inconclusive */
function requireFrames(exchange: Exchange): readonly SseFrame[] {
  return assume("a stream with data", OWNERS.streamFramed, () => {
    expectStatus(exchange, 200);
    const frames = sseFrames(exchange);
    const actual = `${frames.length} frames without data`;
    expectThat(
      frames.some((frame) => frame.data !== null),
      { observer: "wire", expected: "data", actual },
    );
    return frames;
  });
}

function countData(frame: SseFrame): number {
  return frame.fields.filter((field) => field.name === "data").length;
}

/** The data of a stream whose events are told apart by blank lines. @throws Inconclusive */
function requireData(exchange: Exchange): readonly string[] {
  const frames = requireFrames(exchange);
  assume("a blank line after each event", OWNERS.streamFramed, () =>
    expectThat(
      frames.every((frame) => countData(frame) < 2),
      { observer: "wire", expected: "one data line", actual: "more" },
    ),
  );
  return frames.flatMap((frame) => frame.data ?? []);
}

/** The data of a stream that came to its sentinel. @throws Inconclusive */
function requireDone(exchange: Exchange): readonly string[] {
  const data = requireData(exchange);
  assume("[DONE]", OWNERS.streamDone, () =>
    expectThat(data.includes(DONE), { observer: "wire", expected: DONE, actual: "none" }),
  );
  return data;
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

export const sseChecks: readonly Check[] = [
  defineCheck({
    ...SSE,
    id: "sse.blank-line-after-event",
    requirement: "Every event ends with a blank line.",
    reference: "HTML Living Standard, server-sent events, dispatch; openai-node core/streaming.ts iterSSEChunks",
    breaks: "openai-node 7 throws SyntaxError; openai-node 4 and 6 and openai-python see no chunk.",
    async run(context) {
      const frames = requireFrames((await streamChat(context)).exchange);
      const glued = frames.find((frame) => countData(frame) > 1);
      const actual = `${glued === undefined ? 0 : countData(glued)} data lines in one event`;
      expectThat(glued === undefined, { observer: "wire", expected: "one data line in each event", actual });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.space-after-data",
    level: "should",
    requirement: "`data:` is followed by one space.",
    reference: "openai/openai-python#498; lidge-jun/opencodex#1170",
    breaks: "Many hand-written parsers look for `data: ` and drop every chunk.",
    async run(context) {
      const fields = requireFrames((await streamChat(context)).exchange).flatMap((frame) => frame.fields);
      const tight = fields.filter((field) => field.name === "data" && !field.spaced).length;
      expectThat(tight === 0, { observer: "wire", expected: "`data: `", actual: `${tight} lines without the space` });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.no-empty-event",
    requirement: "There is no event with empty data, and none that has a name, an `id:` or a `retry:` and no data.",
    reference:
      "openai-node core/streaming.ts (JSON.parse of the data); openai/openai-python#2722; netease-lcap/wave-agent#1326",
    breaks: "openai-node, openai-python and the Vercel AI SDK throw and lose the stream.",
    async run(context) {
      const frames = requireFrames((await streamChat(context)).exchange);
      const empty = frames.find(
        ({ data, event, id, retry }) =>
          data === "" || (data === null && [event, id, retry].some((field) => field !== null)),
      );
      const actual = JSON.stringify(empty?.fields);
      expectThat(empty === undefined, { observer: "wire", expected: "data in every event", actual });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.no-id-or-retry",
    level: "should",
    requirement: "No event carries `id:` or `retry:`.",
    reference: "openai/openai-python#2722; theopenco/llmgateway#2334",
    breaks: "openai-python raises JSONDecodeError at the first keep-alive after an `id:`, if one ever comes.",
    async run(context) {
      const frames = requireFrames((await streamChat(context)).exchange);
      const marked = frames.filter((frame) => frame.id !== null || frame.retry !== null).length;
      expectThat(marked === 0, { observer: "wire", expected: "neither id nor retry", actual: `${marked} such events` });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.no-comment-event",
    level: "may",
    requirement: "A keep-alive comment is not followed by a blank line of its own.",
    reference:
      "mckinsey/agents-at-scale-ark#2567; ggml-org/llama.cpp#24013. Legal by the HTML Living Standard, and " +
      "taken by openai-node and openai-python",
    breaks: 'openai-go dispatches on every blank line: "unexpected end of JSON input".',
    async run(context) {
      const frames = requireFrames((await streamChat(context)).exchange);
      const bare = frames.filter((frame) => frame.data === null && frame.comments.length > 0).length;
      expectThat(bare === 0, { observer: "wire", expected: "no bare comment", actual: `${bare} bare comments` });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.comment-between-fields",
    level: "should",
    requirement:
      "A comment stands before an event or after it, never between its fields and the blank line that ends it.",
    reference: "HTML Living Standard, server-sent events, interpreting (a comment is a line of its own)",
    breaks: "Hand-written parsers take what stands between two blank lines for one `data: ` line, and lose the event.",
    async run(context) {
      const frames = requireFrames((await streamChat(context)).exchange);
      const torn = frames.find(({ fields }) => {
        const first = fields.findIndex(({ name }) => name !== "");
        return first !== -1 && fields.slice(first).some(({ name }) => name === "");
      });
      const actual = JSON.stringify(torn?.fields.map(({ name, value }) => `${name}: ${value.slice(0, 40)}`));
      expectThat(torn === undefined, { observer: "wire", expected: "no comment inside an event", actual });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.one-json-per-event",
    requirement: "The data of each event before [DONE] is one whole JSON object.",
    reference: "openai-node core/streaming.ts",
    breaks: "Every client throws at the first half of an object.",
    async run(context) {
      const data = requireData((await streamChat(context)).exchange).filter((text) => text !== "");
      const objects = data.slice(0, data.findIndex((text) => text.trim() === DONE) >>> 0);
      const wrong = objects.find((text) => !isJsonObject(parseOrNull(text)));
      expectThat(wrong === undefined, { observer: "wire", expected: "a JSON object", actual: String(wrong) });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.utf-8",
    requirement: "The stream is valid UTF-8 without a byte order mark.",
    reference: "HTML Living Standard, server-sent events, parsing (UTF-8 decode); RFC 8259 section 8.1",
    breaks: "openai-python raises UnicodeDecodeError; openai-node shows replacement characters.",
    async run(context) {
      const { exchange } = await streamChat(context);
      requireFrames(exchange);
      const { validUtf8, byteOrderMark } = sseStream(exchange);
      const actual = byteOrderMark ? "a byte order mark" : "other bytes";
      expectThat(validUtf8 && !byteOrderMark, { observer: "wire", expected: "UTF-8", actual });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.done-sentinel",
    requirement: "The stream says `data: [DONE]`, exactly so, at its end.",
    reference: 'openai-node core/streaming.ts (sse.data === "[DONE]"); diegosouzapw/OmniRoute#6777',
    breaks: "OpenCode hangs; openai-node 7 throws SyntaxError on a trailing blank.",
    async run(context) {
      const exchange = await wireStream(context);
      const data = requireData(exchange);
      const { end } = expectResponse(exchange);
      assume("a body that is not cut", OWNERS.streamEnd, () =>
        expectThat(end !== "cut", { observer: "wire", expected: "an end", actual: end }),
      );
      const actual = JSON.stringify(data.at(-1));
      expectThat(data.includes(DONE), { observer: "wire", expected: DONE, actual });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.nothing-after-done",
    requirement: "No data follows `[DONE]`.",
    reference: "openai-node core/streaming.ts ignores it; hand-written clients do not",
    breaks: "Clients that read on parse it as part of the next message.",
    async run(context) {
      const data = requireDone(await wireStream(context));
      const after = data.slice(data.indexOf(DONE) + 1);
      expectThat(after.length === 0, { observer: "wire", expected: "nothing", actual: JSON.stringify(after) });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.ends-after-done",
    requirement: "The body ends right after `[DONE]`.",
    reference: "earendil-works/pi#7954; deepseek-ai/DeepSeek-V3#1608",
    breaks: "openai-node 4 and 6 hang for ever.",
    async run(context) {
      const exchange = await wireStream(context);
      requireDone(exchange);
      const { end } = expectResponse(exchange);
      expectThat(end !== "open", { observer: "wire", expected: "the end of the body", actual: "an open connection" });
    },
  }),
  defineCheck({
    ...SSE,
    id: "sse.clean-end",
    requirement: "The body ends as HTTP says, not with a broken connection.",
    reference: "RFC 9112 section 7.1 (last chunk); cline/cline#5415",
    breaks: 'Cline: "Premature close", although the text was complete.',
    async run(context) {
      const exchange = await wireStream(context);
      requireFrames(exchange);
      const { end } = expectResponse(exchange);
      assume("the body ends", OWNERS.streamEnd, () =>
        expectThat(end !== "open", { observer: "wire", expected: "an end", actual: end }),
      );
      expectThat(end === "clean", { observer: "wire", expected: "a clean end", actual: end });
    },
  }),
];
