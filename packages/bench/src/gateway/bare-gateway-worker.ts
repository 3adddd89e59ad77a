/**
 * The baseline: the least that a gateway in Node.js does with the libraries that ours is built on. Hono takes the
 * request, undici's pool passes it on, the answer's bytes or its stream go back as they are, and a client that leaves
 * is passed on too. It knows no accounts, no limits and no errors.
 */

import type { Readable } from "node:stream";
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { Pool } from "undici";
import { serveCalls } from "../worker.ts";

const [port, upstreamUrl] = process.argv.slice(2);
if (port === undefined || upstreamUrl === undefined)
  throw new Error("usage: bare-gateway-worker <port> <upstream URL>");

const pool = new Pool(new URL(upstreamUrl).origin, { connections: 2048 });
const app = new Hono();

app.post("/v1/chat/completions", async (context) => {
  const upstream = await pool.request({
    path: "/v1/chat/completions",
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer upstream" },
    body: await context.req.text(),
    signal: context.req.raw.signal,
  });
  const contentType = String(upstream.headers["content-type"]);
  const answer = { status: upstream.statusCode, headers: { "content-type": contentType } };
  if (!contentType.startsWith("text/event-stream")) return new Response(await upstream.body.arrayBuffer(), answer);
  return new Response(forward(upstream.body), answer);
});

/** Each piece is read when the client has taken the last one. */
function forward(body: Readable): ReadableStream<Uint8Array> {
  const pieces: AsyncIterator<Buffer> = body[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel: () => void body.destroy(),
    },
    { highWaterMark: 0 },
  );
}

serve({ fetch: app.fetch, port: Number(port), hostname: "127.0.0.1" });
serveCalls({});
