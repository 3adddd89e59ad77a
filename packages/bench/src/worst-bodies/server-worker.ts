/** The subject: our server with local models, both scripted engines and an upstream, in this process alone. */

import { listOperations } from "@openai-compat/core";
import {
  createLlamaEmbeddingEngine,
  createLlamaEngine,
  createScriptedEmbeddingEngine,
  createScriptedEngine,
  createUpstreamEngine,
} from "@openai-compat/engines";
import { createServerCalls } from "../local-server.ts";
import type { ServerCalls } from "../local-server.ts";
import { serveCalls } from "../worker.ts";
import { createLoopWatch } from "./loop-watch.ts";
import type { LoopReading } from "./loop-watch.ts";

export interface WorstBodiesSubject {
  readonly chatModel: string;
  readonly embeddingModel: string;
  readonly upstreamUrl: string;
  readonly contextTokens: number;
  readonly threads: number;
  readonly parallelInputs: number;
}

export type WorstBodiesCalls = ServerCalls & {
  /** Forgets what was seen of the event loop so far. */
  startWatch: (argument: null) => Promise<void>;
  /** @returns what was seen since the start. */
  readWatch: (argument: null) => Promise<LoopReading>;
};

const options: WorstBodiesSubject = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
const { chatModel, embeddingModel, upstreamUrl, contextTokens, threads, parallelInputs } = options;
const watch = createLoopWatch();
serveCalls({
  ...createServerCalls({
    local: createLlamaEngine({ modelPath: chatModel, contextTokens, threads }),
    scripted: createScriptedEngine({ contextTokens }),
    embedding: createLlamaEmbeddingEngine({ modelPath: embeddingModel, contextTokens: 512, threads: parallelInputs }),
    upstream: createUpstreamEngine({ baseUrls: [upstreamUrl], model: "mock", operations: listOperations("chat") }),
    "scripted-embedding": createScriptedEmbeddingEngine(),
  }),
  startWatch: async () => watch.reset(),
  readWatch: async () => watch.read(),
} satisfies WorstBodiesCalls);
