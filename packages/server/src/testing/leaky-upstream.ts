/**
 * An upstream that leaks everything in every way it can: each answer and each failure quotes the key, the
 * caller's words and its own address, in headers and in bodies. The model's name says how it behaves.
 */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";

/**
 * `good` answers; `dies` breaks off a stream and `gives-up` ends one with an error; the others refuse with a status.
 */
export const LEAKY_MODELS = ["good", "dies", "gives-up", "400", "401", "403", "429", "500"] as const;

export interface LeakyUpstream {
  readonly baseUrl: string;
  /** What it was asked, head and body, so that a test can show that the secrets did reach it. */
  readonly heard: readonly string[];
  close(): Promise<void>;
}

export async function startLeakyUpstream(): Promise<LeakyUpstream> {
  const heard: string[] = [];
  const http = createServer((incoming, outgoing) => void answer(incoming, outgoing, heard));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The upstream listens on no TCP port.");
  return {
    baseUrl: `http://127.0.0.1:${address.port}/v1`,
    heard,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

async function answer(incoming: IncomingMessage, outgoing: ServerResponse, heard: string[]): Promise<void> {
  const body = Buffer.concat(await incoming.toArray()).toString("utf8");
  const key = incoming.headers.authorization ?? "no key";
  heard.push(`${key} ${body}`);
  const quote = { "x-request-id": key, "x-served-by": key, "set-cookie": `key=${key}`, "www-authenticate": key };
  const head = (status: number, contentType: string) =>
    outgoing.writeHead(status, { ...quote, "content-type": contentType });
  if (incoming.method === "GET") {
    head(401, "text/html").end(`<h1>Refused: ${key}</h1>`);
    return;
  }
  const model = /"model":"([^"]+)"/.exec(body)?.[1] ?? "";
  const status = Number(model);
  if (!Number.isNaN(status)) {
    // With 400 the words are for the caller, who may read his own; with 401 and 429 they are about the key.
    const words = [400, 401, 429].includes(status) ? "" : ` for ${body}`;
    const message = `${key} at http://${incoming.headers.host ?? ""} got ${status}${words}`;
    head(status, "application/json").end(JSON.stringify({ error: { message, type: key, code: key, param: null } }));
    return;
  }
  head(200, "text/event-stream");
  outgoing.write(`data: ${JSON.stringify(createChunk("Something"))}\n\n`);
  if (model === "dies") setTimeout(() => outgoing.destroy(), BEFORE_DYING_MS);
  else if (model === "gives-up") outgoing.end(`data: ${JSON.stringify({ error: { message: `${key} ${body}` } })}\n\n`);
  else outgoing.end(`data: ${JSON.stringify({ ...createChunk(""), usage: USAGE })}\n\ndata: [DONE]\n\n`);
}

const BEFORE_DYING_MS = 30;
const USAGE = { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6 };

function createChunk(content: string) {
  const choices = [{ index: 0, delta: { content }, finish_reason: content === "" ? "stop" : null }];
  return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "theirs", choices };
}
