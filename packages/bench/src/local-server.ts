/** In a worker: our server with engines behind it, as a subject of measurement. Nothing limits or bills its calls. */

import { FREE_OF_CHARGE, createModelRegistry } from "@openai-compat/core";
import type { Engine, ModelType } from "@openai-compat/core";
import { createLiveDecoder } from "@openai-compat/engines";
import {
  configSchema,
  createModelBuilder,
  createLogger,
  createMemoryStores,
  createServer,
} from "@openai-compat/server";
import { mintBenchToken } from "./mint-bench-token.ts";
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
export function serveEngine(engine: Engine): void {
  serveCalls(createServerCalls({ [MODEL_ID]: engine }));
}

export interface ServedModelOptions {
  /** What models of upstreams are for. Default: chats. */
  readonly upstreamType?: ModelType;
}

/** @param engines by the id of their model; the first is the default. */
export function createServerCalls(
  engines: Readonly<Record<string, Engine>>,
  { upstreamType = "chat" }: ServedModelOptions = {},
): ServerCalls {
  const jwt = {
    secret: crypto.randomUUID() + crypto.randomUUID(),
    issuer: null,
    audience: null,
    clockToleranceSeconds: 0,
  };
  const [defaultId = MODEL_ID] = Object.keys(engines);
  const registry = createModelRegistry(
    Object.entries(engines).map(([id, engine]) => ({
      id,
      name: id,
      type: engine.type === "upstream" ? upstreamType : engine.type,
      ownedBy: "bench",
      createdAtMs: 0,
      engine,
      queue: { waitingMax: 64, waitTimeMsMax: 600_000, accountSlotsMax: engine.limits.concurrency },
      prices: FREE_OF_CHARGE,
      isDefault: id === defaultId,
    })),
  );
  const server = createServer({
    config: { ...configSchema.parse({ port: 0, rateLimits: { refusalsPerMinute: null } }), jwt },
    registry,
    builder: createModelBuilder({ config: configSchema.parse({}) }),
    createAudioDecoder: createLiveDecoder,
    stores: createMemoryStores(),
    logger: createLogger({ level: "error" }),
  });
  const mintKey = (accountId: string) => mintBenchToken(jwt.secret, accountId);
  return {
    async listen() {
      const { baseUrl } = await server.listen();
      return { baseUrl, apiKey: await mintKey("bench"), model: defaultId };
    },
    mintKey,
  };
}
