/** A server with one upstream model, and its upstream: a second server of our own, or one with scripted answers. */

import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { MODEL_TYPES, listOperations } from "@openai-compat/core";
import { createScriptedEngine, createUpstreamEngine } from "@openai-compat/engines";
import type { UpstreamEngineSettings } from "@openai-compat/engines";
import OpenAI from "openai";
import { onTestFinished } from "vitest";
import type { ConfigInput } from "../config.ts";
import { createMemoryStores } from "../stores/memory.ts";
import { startTestServer } from "./test-server.ts";
import type { TestServerOptions } from "./test-server.ts";

const PRICES = {
  perMillionInputTokens: 1_000_000,
  perMillionOutputTokens: 1_000_000,
  perMillionCharacters: 1_000_000,
  perMinuteOfAudio: 60_000,
};

/** What servers with chat completions alone lack. */
const RESPONSES: ReadonlySet<string> = new Set(["createResponse", "Getinputtokencounts"]);

async function start(options: TestServerOptions) {
  const running = await startTestServer(options);
  onTestFinished(() => running.server.close());
  return running;
}

/** A server with one upstream model, and an account with a million micro-credits. */
export async function startGateway(
  upstream: Partial<UpstreamEngineSettings>,
  type: "chat" | "embedding" | "transcription" | "speech" = "chat",
  config: ConfigInput = {},
) {
  const engine = createUpstreamEngine({
    baseUrls: [],
    model: "scripted",
    operations: MODEL_TYPES.flatMap(listOperations).filter((id) => !RESPONSES.has(id)),
    apiKey: "upstream-canary-key",
    ...upstream,
  });
  const stores = createMemoryStores();
  await stores.credits.grant({ id: "start", accountId: "ada", amount: 1_000_000, note: "tests", nowMs: 1 });
  const gateway = await start({
    engine,
    stores,
    config,
    models: [{ id: "far", name: "Far", isDefault: true, type, prices: PRICES }],
  });
  const client = new OpenAI({ baseURL: gateway.baseUrl, apiKey: gateway.keys.key, maxRetries: 0 });
  const usage = async () =>
    (await stores.credits.listEntries({ accountId: "ada", limit: 100 })).filter((entry) => entry.kind === "usage");
  return { ...gateway, client, usage };
}

export async function startSecondServer(tokenDelayMs = 0) {
  const second = await start({ engine: createScriptedEngine({ tokenDelayMs }) });
  return { baseUrls: [second.baseUrl], apiKey: second.keys.key, second };
}

/** @returns its base URL. */
export async function startUpstream(
  answer: (incoming: IncomingMessage, outgoing: ServerResponse) => void | Promise<void>,
): Promise<string> {
  const http = createHttpServer((incoming, outgoing) => void answer(incoming, outgoing));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The upstream listens on no TCP port.");
  return `http://127.0.0.1:${address.port}/v1`;
}

export async function readBody(incoming: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of incoming.setEncoding("utf8")) text += String(chunk);
  return text;
}
