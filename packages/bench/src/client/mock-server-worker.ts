/** In a worker: a server that costs next to nothing, so that what is measured is the client. */

import { createServer } from "node:http";
import { findFreePort } from "../gateway/contender.ts";
import { serveCalls } from "../worker.ts";

/** Events of one streamed answer, beside the role, the end and `[DONE]`. */
const EVENTS = 500;

const HEAD = { id: "chatcmpl-bench", created: 1_790_000_000, model: "mock", system_fingerprint: "fp_bench" };
const WHOLE = JSON.stringify({
  ...HEAD,
  object: "chat.completion",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "The river rose, and Ada played the violin.", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 40, completion_tokens: 9, total_tokens: 49 },
});

function encodeEvent(delta: object, finishReason: string | null): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finishReason }];
  return `data: ${JSON.stringify({ ...HEAD, object: "chat.completion.chunk", choices })}\n\n`;
}

/** As a fast model sends them: a few events with each write. */
const PIECES = Array.from({ length: EVENTS / 5 }, (_, piece) =>
  Array.from({ length: 5 }, (__, index) => encodeEvent({ content: ` word${piece * 5 + index}` }, null)).join(""),
);
const FIRST = encodeEvent({ role: "assistant", content: "" }, null);
const LAST = `${encodeEvent({}, "stop")}data: [DONE]\n\n`;

const server = createServer((request, response) => {
  const pieces: Buffer[] = [];
  request.on("data", (piece: Buffer) => pieces.push(piece));
  request.on("end", () => {
    if (!Buffer.concat(pieces).includes('"stream":true')) {
      response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(WHOLE) });
      response.end(WHOLE);
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(FIRST);
    const queue = PIECES.values();
    const send = () => {
      const { done, value } = queue.next();
      if (done === true) return void response.end(LAST);
      response.write(value);
      setImmediate(send);
    };
    send();
  });
});

export type MockServerCalls = {
  /** @returns its base URL. */
  listen: (argument: null) => Promise<string>;
};

const calls: MockServerCalls = {
  async listen() {
    const port = await findFreePort();
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return `http://127.0.0.1:${port}/v1`;
  },
};
serveCalls(calls);
