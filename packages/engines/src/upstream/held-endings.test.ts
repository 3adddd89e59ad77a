/** A finish reason waits for text that may come behind it, but not for long, and not beyond the end of the stream. */

import { expect, test } from "vitest";
import { startRawUpstream } from "./testing/fake-upstream.ts";
import { chunk, createTestEngine, delta, never, upstreamRequest } from "./testing/upstream-calls.ts";

const STREAM_HEAD = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
const REASON = chunk({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] });
const PATIENT = { stallTimeoutMs: 600_000 };

type Socket = Parameters<Parameters<typeof startRawUpstream>[0]>[0];

/** The text of the stream up to its end, or up to this part of it, and the code of its error. */
async function readStream(write: (socket: Socket) => void, until: string | null) {
  const { baseUrl } = await startRawUpstream(write);
  let text = "";
  try {
    const events = createTestEngine([baseUrl], PATIENT).forward(upstreamRequest({ stream: true }), never);
    for await (const event of events) {
      if (event.type === "upstream-data") text += Buffer.from(event.bytes).toString("utf8");
      if (until !== null && text.includes(until)) break;
    }
  } catch (thrown) {
    return { text, thrown };
  }
  return { text, thrown: null };
}

test.each<[string, (socket: Socket) => void]>([
  ["falls silent", () => {}],
  [
    "sends comments alone",
    (socket) => {
      const pings = setInterval(() => socket.write(": ping\n\n"), 50);
      socket.on("close", () => clearInterval(pings));
    },
  ],
])("a finish reason comes from an upstream that then %s", async (_case, goOn) => {
  const { text } = await readStream((socket) => {
    socket.write(STREAM_HEAD + delta("Hi") + REASON);
    goOn(socket);
  }, '"finish_reason":"stop"');
  expect(text).toContain('"content":"Hi"');
  expect(text).toContain('"finish_reason":"stop"');
});

test("a finish reason comes before the error of a connection that is cut behind it", async () => {
  const piece = delta("Hi") + REASON;
  const head = STREAM_HEAD.replace("\r\n\r\n", "\r\ntransfer-encoding: chunked\r\n\r\n");
  const { text, thrown } = await readStream((socket) => {
    socket.write(`${head}${piece.length.toString(16)}\r\n${piece}\r\n`);
    setTimeout(() => socket.destroy(), 100);
  }, null);
  expect(text).toContain('"finish_reason":"stop"');
  expect(thrown).toMatchObject({ code: "upstream_failed" });
});

test("text that comes behind a reason that was sent comes all the same, and the stream ends well", async () => {
  const { text, thrown } = await readStream((socket) => {
    socket.write(STREAM_HEAD + delta("Hi") + REASON);
    setTimeout(() => socket.end(`${delta(" you")}data: [DONE]\n\n`), 1500);
  }, null);
  expect(thrown).toBe(null);
  expect(text).toMatch(/"finish_reason":"stop"[^]*" you"[^]*\[DONE\]\n\n$/);
});
