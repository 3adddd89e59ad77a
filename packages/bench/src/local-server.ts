/** In a worker: our server with one engine behind it, as a subject of measurement. Nothing limits or bills its calls. */

import { FREE_OF_CHARGE, createModelRegistry, mintToken } from "@openai-compat/core";
import type { ChatEngine, EmbeddingEngine } from "@openai-compat/core";
import { configSchema, createLogger, createMemoryStores, createServer } from "@openai-compat/server";
import { serveCalls } from "./worker.ts";

export interface ServerTarget {
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
}

export type ServerCalls = {
  /** Listens on a free port of the loopback interface. Call it once. */
  listen: (argument: null) => Promise<ServerTarget>;
  /** @returns a key for an account. */
  mintKey: (accountId: string) => Promise<string>;
};

const MODEL_ID = "bench";

/** Answers the worker's calls until the parent disconnects. */
export function serveEngine(engine: ChatEngine | EmbeddingEngine): void {
  const jwt = {
    secret: crypto.randomUUID() + crypto.randomUUID(),
    issuer: null,
    audience: null,
    clockToleranceSeconds: 0,
  };
  const registry = createModelRegistry([
    {
      id: MODEL_ID,
      name: MODEL_ID,
      type: engine.type,
      ownedBy: "bench",
      createdAtMs: 0,
      contextTokens: engine.limits.contextTokens,
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
  const mintKey = (accountId: string) =>
    mintToken({
      settings: jwt,
      accountId,
      appName: "bench",
      capabilities: [{ domain: "ai", pointers: ["*"], can: ["*"] }],
      expiresInSeconds: 86_400,
    });
  serveCalls({
    async listen() {
      const { baseUrl } = await server.listen();
      return { baseUrl, apiKey: await mintKey("bench"), model: MODEL_ID };
    },
    mintKey,
  } satisfies ServerCalls);
}
