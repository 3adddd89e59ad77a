/** A realtime session on a fake engine with credits, for core's own tests: its samples are already of 16 kHz. */

import { operations } from "@openai-compat/spec";
import { createAiService } from "../ai-service.ts";
import type { AuthorisedCall } from "../call.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import { createModelRegistry } from "../models/registry.ts";
import type { RealtimePatch } from "../realtime/realtime-config.ts";
import type {
  OpenRealtimeOptions,
  RealtimeAudioDecoder,
  RealtimeInput,
  RealtimeLimits,
  RealtimeOutput,
} from "../realtime/realtime-session.ts";
import { authoriseTestCall } from "./authorise-test-call.ts";
import { createFakeLiveEngine } from "./fake-live-engine.ts";
import type { FakeLiveOptions } from "./fake-live-engine.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "./fake-stores.ts";

const TEST_LIMITS: RealtimeLimits = {
  sessionMsMax: 3_600_000,
  idleMsMax: 600_000,
  bufferMsMax: 30_000,
  turnMsMax: 60_000,
  holdMs: 1000,
  credentialCheckMs: 30_000,
};

export interface TestServiceOptions extends FakeLiveOptions {
  /** Micro-credits; a second of audio costs 1000. Default: enough. */
  readonly granted?: number;
  readonly onCredentialAsked?: () => void | Promise<void>;
  readonly engine?: ReturnType<typeof createFakeLiveEngine>;
  readonly limits?: Partial<RealtimeLimits>;
}

export function createTestService(options: TestServiceOptions = {}) {
  const { granted = 1_000_000, engine = createFakeLiveEngine(options), limits = {} } = options;
  const records: CallRecord[] = [];
  const credits = createFakeCreditStore(granted);
  const prices = { ...FREE_OF_CHARGE, perMinuteOfAudio: 60_000 };
  const model = { name: "Ears", type: "transcription", ownedBy: "tests", createdAtMs: 0, engine, prices } as const;
  const queue = { waitingMax: 8, waitTimeMsMax: 1000 };
  const service = createAiService({
    registry: createModelRegistry([
      { ...model, id: "ears", isDefault: true, queue },
      { ...model, id: "deaf", isDefault: false, queue, engine: { ...engine, live: null } },
    ]),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onCallEnd: (record) => void records.push(record),
    onSettlementError: (error) => {
      throw error;
    },
  });
  const authorise = () => authoriseTestCall(operations.connectRealtime);
  let ids = 0;
  const open = async (more: Partial<OpenRealtimeOptions> = {}, call: AuthorisedCall = authorise()) => {
    const session = await service.openRealtime(call, {
      intent: "transcription",
      model: null,
      patch: null,
      authoriseTurn: async () => {
        await options.onCredentialAsked?.();
        return authorise();
      },
      limits: { ...TEST_LIMITS, ...limits },
      createDecoder: createTestDecoder,
      createId: (prefix) => `${prefix}_${(ids += 1)}`,
      ...more,
    });
    return { session, reader: readOutputs(session.outputs), limits: { ...TEST_LIMITS, ...limits } };
  };
  return { service, records, credits, open };
}

/** Every third sample: enough where a sample is either zero or not. */
function createTestDecoder(): RealtimeAudioDecoder {
  let bytes = 0;
  let samples = 0;
  return {
    push(more) {
      const loud = more.some((byte) => byte !== 0);
      bytes += more.length;
      const until = Math.floor((bytes * 16) / 48);
      const piece = new Int16Array(until - samples).fill(loud ? 1000 : 0);
      samples = until;
      return piece;
    },
    flush: () => new Int16Array(0),
  };
}

const BYTES_PER_MS = 48;

export function append(ms: number, isLoud: boolean): RealtimeInput {
  return { type: "append", bytes: new Uint8Array(ms * BYTES_PER_MS).fill(isLoud ? 1 : 0), eventId: null };
}

export const COMMIT: RealtimeInput = { type: "commit", eventId: "commit_1" };

export function update(patch: Omit<RealtimePatch, "type">): RealtimeInput {
  return { type: "update", patch: { type: "transcription", ...patch }, eventId: null };
}

export const CLEAR: RealtimeInput = { type: "clear", eventId: null };
export const MANUAL = update({ turnDetection: null });

/** Collects what comes, and waits for it. */
function readOutputs(outputs: AsyncIterable<RealtimeOutput>) {
  const seen: RealtimeOutput[] = [];
  const waiting = new Set<() => void>();
  const done = (async () => {
    for await (const output of outputs) {
      seen.push(output);
      for (const wake of waiting) wake();
    }
  })();
  const types = () => seen.map(({ type }) => type);
  return {
    seen,
    types,
    done,
    /** Resolves when so many of this type have come. */
    async until(type: RealtimeOutput["type"], count = 1): Promise<void> {
      while (types().filter((came) => came === type).length < count) {
        await new Promise<void>((resolve) => {
          waiting.add(resolve);
        });
      }
    },
    /** All of one type. */
    of<Type extends RealtimeOutput["type"]>(type: Type) {
      return seen.filter((output): output is Extract<RealtimeOutput, { readonly type: Type }> => output.type === type);
    },
  };
}
