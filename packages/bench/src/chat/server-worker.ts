/** The subject: our server with the llama engine on the model under test, in this process alone. */

import { FREE_OF_CHARGE, createModelRegistry, mintToken } from "@openai-compat/core";
import { createLlamaEngine } from "@openai-compat/engines";
import { configSchema, createLogger, createMemoryStores, createServer } from "@openai-compat/server";
import { serveCalls } from "../worker.ts";
import type { ChatTarget } from "./chat-client.ts";
import type { ChatSubjectOptions } from "./chat-subject.ts";

export type ServerCalls = {
  /** Listens on a free port of the loopback interface. */
  listen: (argument: null) => Promise<ChatTarget>;
};

const MODEL_ID = "bench";
const options: ChatSubjectOptions = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
const jwt = {
  secret: crypto.randomUUID() + crypto.randomUUID(),
  issuer: null,
  audience: null,
  clockToleranceSeconds: 0,
};
const engine = createLlamaEngine({
  modelPath: options.modelPath,
  sequences: options.sequences,
  contextTokens: options.contextTokens,
  threads: options.threads,
});
const registry = createModelRegistry([
  {
    id: MODEL_ID,
    name: MODEL_ID,
    type: "chat",
    ownedBy: "bench",
    createdAtMs: 0,
    contextTokens: options.contextTokens,
    engine,
    queue: { waitingMax: 64, waitTimeMsMax: 600_000 },
    prices: FREE_OF_CHARGE,
    isDefault: true,
  },
]);
const server = createServer({
  config: { ...configSchema.parse({ port: 0 }), jwt },
  registry,
  stores: createMemoryStores(),
  logger: createLogger({ level: "error" }),
});

serveCalls({
  async listen() {
    const { baseUrl } = await server.listen();
    const apiKey = await mintToken({
      settings: jwt,
      accountId: "bench",
      appName: "bench",
      capabilities: [{ domain: "ai", pointers: ["*"], can: ["*"] }],
      expiresInSeconds: 86_400,
    });
    return { baseUrl, apiKey, model: MODEL_ID };
  },
} satisfies ServerCalls);
