/** The subject: our server with two models for transcriptions: an upstream's, and a local one that decodes and holds recordings. */

import { monitorEventLoopDelay } from "node:perf_hooks";
import { listOperations } from "@openai-compat/core";
import type { TranscriptionEngine } from "@openai-compat/core";
import { createUpstreamEngine, createWhisperEngine } from "@openai-compat/engines";
import { makeTinyWhisper } from "@openai-compat/engines/testing";
import { createServerCalls } from "../local-server.ts";
import type { ServerCalls } from "../local-server.ts";
import { serveCalls } from "../worker.ts";
import { createLoopWatch } from "../worst-bodies/loop-watch.ts";
import { createMemoryWatch } from "./memory-watch.ts";
import type { MemoryReading } from "./memory-watch.ts";

export type UploadModel = "upstream" | "local";

export interface UploadSubject {
  readonly upstreamUrl: string;
}

/** Of the event loop, in milliseconds. */
export interface LoopDelayReading {
  readonly delayP99Ms: number;
  /** The most CPU time of its thread between two of its timers: others who use the machine are not in it. */
  readonly turnCpuMs: number;
}

export type UploadServerCalls = ServerCalls & {
  /** Its samples take time of their own: don't watch the event loop meanwhile. */
  startMemoryWatch: (argument: null) => Promise<void>;
  readMemoryWatch: (argument: null) => Promise<MemoryReading>;
  startLoopWatch: (argument: null) => Promise<void>;
  readLoopWatch: (argument: null) => Promise<LoopDelayReading>;
};

const NANOSECONDS_PER_MS = 1_000_000;

const { upstreamUrl }: UploadSubject = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
const operations = listOperations("transcription");
const memory = createMemoryWatch();
const loop = createLoopWatch();
const delay = monitorEventLoopDelay({ resolution: 1 });
const whisper = createWhisperEngine(await makeTinyWhisper());
serveCalls({
  ...createServerCalls(
    {
      upstream: createUpstreamEngine({ baseUrls: [upstreamUrl], model: "mock", operations }),
      local: createDeafEngine(whisper),
    } satisfies Record<UploadModel, unknown>,
    { upstreamType: "transcription" },
  ),
  startMemoryWatch: async () => memory.start(),
  readMemoryWatch: async () => memory.read(),
  async startLoopWatch() {
    delay.enable();
    delay.reset();
    loop.reset();
  },
  async readLoopWatch() {
    delay.disable();
    const delayP99Ms = delay.percentile(99) / NANOSECONDS_PER_MS;
    return { delayP99Ms, turnCpuMs: loop.read().turnCpuMs };
  },
} satisfies UploadServerCalls);

/** A recording is decoded and held as for any local model; then nobody listens to it. */
function createDeafEngine(engine: TranscriptionEngine): TranscriptionEngine {
  return {
    ...engine,
    async *transcribe({ audioId }) {
      engine.release(audioId);
      yield { type: "transcription-start", language: null, languageProbability: null };
      yield { type: "transcription-end", tokens: { audioTokens: 0, promptTokens: 0, outputTokens: 0 } };
    },
  };
}
