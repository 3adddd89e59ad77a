/** The subject: our server with the models for transcriptions and the voices that the cache holds. */

import { createVoiceEngine, createWhisperEngine } from "@openai-compat/engines";
import { sumChildProcesses } from "../child-processes.ts";
import { createServerCalls } from "../local-server.ts";
import type { ServerCalls } from "../local-server.ts";
import { serveCalls } from "../worker.ts";
import type { AudioSubject } from "./audio-subject.ts";
import { createLoopDelayCalls } from "./loop-delay.ts";
import type { LoopDelayCalls } from "./loop-delay.ts";

export interface AudioMemory {
  readonly serverBytes: number;
  /** Of the models' and the decoders' processes. */
  readonly childrenBytes: number;
}

export type AudioServerCalls = ServerCalls &
  LoopDelayCalls & {
    /** Its samples take time of their own: measure nothing else meanwhile. */
    startMemoryWatch: (argument: null) => Promise<void>;
    /** @returns the most that was resident since the start */
    readMemoryWatch: (argument: null) => Promise<AudioMemory>;
  };

const MEMORY_INTERVAL_MS = 100;

const { threads, whispers, voiceDetectorPath, voices }: AudioSubject = JSON.parse(process.env["BENCH_OPTIONS"] ?? "{}");
let most: AudioMemory = { serverBytes: 0, childrenBytes: 0 };
let timer: NodeJS.Timeout | null = null;

function look(): void {
  most = {
    serverBytes: Math.max(most.serverBytes, process.memoryUsage.rss()),
    childrenBytes: Math.max(most.childrenBytes, sumChildProcesses().residentBytes),
  };
}

serveCalls({
  ...createServerCalls({
    ...Object.fromEntries(
      Object.entries(whispers).map(([id, modelPath]) => [
        id,
        createWhisperEngine({ modelPath, voiceDetectorPath, threads }),
      ]),
    ),
    ...Object.fromEntries(Object.entries(voices).map(([id, files]) => [id, createVoiceEngine({ files, threads })])),
  }),
  ...createLoopDelayCalls(),
  async startMemoryWatch() {
    most = { serverBytes: 0, childrenBytes: 0 };
    timer ??= setInterval(look, MEMORY_INTERVAL_MS);
  },
  async readMemoryWatch() {
    look();
    if (timer !== null) clearInterval(timer);
    timer = null;
    return most;
  },
} satisfies AudioServerCalls);
