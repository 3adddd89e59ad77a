/**
 * Upstreams for a suite that fail in a way that is known, and those that work by a habit; and the models that they
 * serve.
 */

import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createUpstreamEngine } from "@openai-compat/engines";
import type { TargetModels } from "../engine-kinds/engine-kind.ts";
import { HABITS, answerByHabit, findHabit } from "./habitual-upstreams.ts";

const UPSTREAM_SECRET = "upstream-secret-canary-4711";
/** A port that the system never gives away and no program listens on (RFC 863, discard). */
const CLOSED_PORT = 9;

/** @throws Error when no port of the loopback address can be had */
export async function openFailingUpstreams(): Promise<TargetModels> {
  const upstreams = await startFailingUpstreams();
  const serve = (path: string, port = upstreams.port) => ({
    id: `upstream/${path}`,
    engine: createUpstreamEngine({
      baseUrls: [`http://127.0.0.1:${port}/${path}/v1`],
      model: "failing",
      operations: ["createChatCompletion"],
      apiKey: UPSTREAM_SECRET,
      // They are there to fail, each time anew.
      breakerFailuresMax: Number.MAX_SAFE_INTEGER,
    }),
  });
  const models = [serve("down", CLOSED_PORT), ...["error", "breaks", ...HABITS].map((path) => serve(path))];
  return {
    models,
    recipe: {
      // `upstream/late-usage` is the suite's `upstream_late_usage`.
      models: Object.fromEntries(models.map(({ id }) => [id.replaceAll(/[/-]/g, "_"), id])),
      fixtures: { upstream_secret: UPSTREAM_SECRET },
    },
    close: () => upstreams.close(),
  };
}

async function startFailingUpstreams(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server: Server = createServer(failUpstream);
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  server.unref();
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The failing upstreams listen on no TCP port.");
  return {
    port: address.port,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const BEFORE_BREAKING_MS = 50;

/**
 * Paths below `/breaks` begin a stream and drop it, those of a habit work; all others answer with a web page that holds
 * a secret.
 */
function failUpstream(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const habit = findHabit(incoming.url);
  if (habit !== null) {
    // A client that has disconnected gets no answer.
    answerByHabit(habit, incoming, outgoing).catch(() => outgoing.destroy());
    return;
  }
  incoming.resume();
  if (incoming.url?.startsWith("/breaks/") !== true) {
    outgoing.writeHead(500, { "content-type": "text/html" });
    outgoing.end(`<html><body><h1>Internal Server Error</h1><pre>key=${UPSTREAM_SECRET}</pre></body></html>`);
    return;
  }
  outgoing.writeHead(200, { "content-type": "text/event-stream" });
  const choices = [{ index: 0, delta: { role: "assistant", content: "This is where" }, finish_reason: null }];
  const chunk = { id: "chatcmpl-breaks", object: "chat.completion.chunk", created: 1, model: "failing", choices };
  outgoing.write(`data: ${JSON.stringify(chunk)}\n\n`);
  setTimeout(() => outgoing.destroy(), BEFORE_BREAKING_MS);
}
