/**
 * Decodes audio files in processes of their own, one file at a time in each. A process is started with the first file,
 * kept for a while for the next one, and killed when it takes too long; a file that ends its process twice is refused.
 * The files themselves are examined there (`decode-bytes.ts`).
 */

import { AiError } from "@openai-compat/core";
import type { DecoderEvent } from "@openai-compat/core";
import { writePieces } from "../host/byte-pipe.ts";
import { NativeProcessLostError, startNativeProcess } from "../host/native-process.ts";
import type { NativeProcess } from "../host/native-process.ts";
import { SYSTEM_CLOCK } from "../residency/clock.ts";
import type { Clock } from "../residency/clock.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import type { SlotPool } from "../shared/slot-pool.ts";
import { audioError } from "./audio-error.ts";
import { DECODE_LIMITS, refuseTooManyBytes } from "./decode-limits.ts";
import type { DecodedEvent } from "./audio-events.ts";
import type { DecodeLimits } from "./decode-limits.ts";
import type { NativeDecoder, NativeDecoderSettings } from "./native-decoder.ts";

export interface AudioDecoderSettings {
  readonly limits?: Partial<DecodeLimits>;
  /** The name or path of ffmpeg, which decodes what no package can. Default: `ffmpeg`, on the PATH. */
  readonly ffmpegCommand?: string;
  /** Files that are decoded at once, each in a process of its own; further ones wait. Default: 2. */
  readonly processesMax?: number;
  /** How long a file waits for a process, in ms. Default: 60,000. */
  readonly waitMsMax?: number;
  /** After how long without a file a process ends, in ms. Default: 60,000. */
  readonly idleMsMax?: number;
  /** Called with what becomes of the processes. Default: nobody. */
  readonly onEvent?: (event: DecoderEvent) => void;
  /** The module that a process runs. Default: the one that knows all native kinds. */
  readonly entry?: URL;
  /** Default: the system's. */
  readonly clock?: Clock;
}

export interface AudioDecoder {
  /**
   * The samples of a file of any format, as they are decoded. Ending the iteration early stops the work. The file is
   * kept until then: where its process is lost, another one gets it.
   *
   * @param pieces The file, cut anywhere.
   * @throws AiError for `file`: `invalid_value` (no audio, damaged, beyond a limit), `unsupported_value` (a format that
   *   can't be decoded here, with what is missing); `queue_timeout` when no process became free in time;
   *   `engine_unavailable` when none can be started; the signal's reason
   */
  decode(pieces: readonly Uint8Array[], signal: AbortSignal): AsyncGenerator<DecodedEvent, void>;
  /** Ends the idle processes; those that work end after their file. */
  close(): Promise<void>;
}

type DecoderProcess = NativeProcess<NativeDecoder>;

/** Where one file at a time is decoded. */
interface Slot {
  process: DecoderProcess | null;
  /** Forgets that the process is to end. */
  stopIdleTimer: () => void;
}

/** What the attempts at one file have come to. */
interface FileWork {
  readonly pieces: readonly Uint8Array[];
  /** Whether the process has all of them. */
  isSent: boolean;
  /** Events that the consumer has. */
  given: number;
  /** Of waiting for the decoder. */
  workedMs: number;
  /** The same, since the last event that was new. */
  stalledMs: number;
}

/** To end a call after its abort, or to exit, before the process is killed. */
const END_MS_MAX = 2000;

/** Node.js starts in 100 ms, but not on a machine that does much else. */
const LOAD_MS_MAX = 60_000;

/** Of the JavaScript heap, in MiB: what is larger is in the buffers of files and samples. */
const HEAP_MIB_MAX = 256;

/** Of one file: the process may have been ended by someone else. */
const ATTEMPTS = 2;

/** Of the settings that an operator may change. */
export const DECODER_DEFAULTS = {
  processesMax: 2,
  idleMsMax: 60_000,
  memoryBytesMax: DECODE_LIMITS.memoryBytesMax,
} as const;

export function createAudioDecoder(settings: AudioDecoderSettings = {}): AudioDecoder {
  return new PooledDecoder(settings);
}

class PooledDecoder implements AudioDecoder {
  readonly #settings: Required<Omit<AudioDecoderSettings, "limits" | "entry">>;
  readonly #limits: DecodeLimits;
  readonly #entry: URL | undefined;
  readonly #slots: readonly Slot[];
  readonly #pool: SlotPool<Slot>;
  #isClosed = false;

  constructor(settings: AudioDecoderSettings) {
    this.#settings = {
      ffmpegCommand: settings.ffmpegCommand ?? "ffmpeg",
      processesMax: settings.processesMax ?? DECODER_DEFAULTS.processesMax,
      waitMsMax: settings.waitMsMax ?? 60_000,
      idleMsMax: settings.idleMsMax ?? DECODER_DEFAULTS.idleMsMax,
      onEvent: settings.onEvent ?? (() => {}),
      clock: settings.clock ?? SYSTEM_CLOCK,
    };
    this.#limits = { ...DECODE_LIMITS, ...settings.limits };
    this.#entry = settings.entry;
    const { processesMax } = this.#settings;
    this.#slots = Array.from({ length: processesMax }, () => ({ process: null, stopIdleTimer: () => {} }));
    this.#pool = createSlotPool(this.#slots);
  }

  async *decode(pieces: readonly Uint8Array[], signal: AbortSignal): AsyncGenerator<DecodedEvent, void> {
    refuseTooManyBytes(countBytes(pieces), this.#limits);
    const slot = await this.#acquire(signal);
    try {
      slot.stopIdleTimer();
      yield* this.#decodeIn(slot, pieces, signal);
    } finally {
      await this.#rest(slot);
      this.#pool.release(slot);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const never = new AbortController().signal;
    const slots = await Promise.all(this.#slots.map(() => this.#pool.acquire(never)));
    for (const slot of slots) {
      await endProcess(slot);
      this.#pool.release(slot);
    }
  }

  async #acquire(signal: AbortSignal): Promise<Slot> {
    const { waitMsMax, clock } = this.#settings;
    const late = new AbortController();
    const message = `Other audio files left no decoder for this one within ${waitMsMax} ms. Please try again.`;
    const onTimeout = () => late.abort(new AiError("queue_timeout", message, { retryAfterMs: 1000 }));
    const stopTimer = clock.after(waitMsMax, onTimeout, "awaited");
    try {
      const isWarm = ({ process }: Slot) => process !== null;
      return await this.#pool.acquire(AbortSignal.any([signal, late.signal]), (free) => free.find(isWarm));
    } finally {
      stopTimer();
    }
  }

  async *#decodeIn(slot: Slot, pieces: readonly Uint8Array[], signal: AbortSignal): AsyncGenerator<DecodedEvent, void> {
    const work: FileWork = { pieces, isSent: false, given: 0, workedMs: 0, stalledMs: 0 };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
      try {
        slot.process ??= await this.#start(slot);
        work.isSent = false;
        yield* this.#attempt(slot.process, work, signal);
        return;
      } catch (thrown) {
        // The rest of this file would be read as the next one.
        if (!work.isSent) await endProcess(slot);
        if (!(thrown instanceof NativeProcessLostError)) throw thrown;
        slot.process = null;
        if (attempt === ATTEMPTS) throw audioError("The audio file could not be decoded: its decoder fails.", thrown);
      }
    }
  }

  /**
   * Decoding is the same every time: what another attempt has given is passed over.
   *
   * @throws NativeProcessLostError when the process ended by itself
   */
  async *#attempt(process: DecoderProcess, work: FileWork, signal: AbortSignal): AsyncGenerator<DecodedEvent, void> {
    const late = new AbortController();
    const stop = AbortSignal.any([signal, late.signal]);
    const events = decodeThere(process, work, stop);
    try {
      for (let count = 1; ; count += 1) {
        const next = await this.#next(events, work, late);
        if (next.done === true) return;
        if (work.workedMs > this.#limits.workMsMax) throw tooSlow(this.#limits.workMsMax);
        if (count <= work.given) continue;
        work.given = count;
        work.stalledMs = 0;
        yield next.value;
      }
    } catch (thrown) {
      // A process that had to be killed for it says only that it is gone.
      stop.throwIfAborted();
      throw thrown;
    } finally {
      await events.return?.();
    }
  }

  async #next(events: AsyncIterator<DecodedEvent>, work: FileWork, late: AbortController) {
    const { clock } = this.#settings;
    const { stallMsMax } = this.#limits;
    const askedAtMs = clock.nowMs();
    const onTimeout = () => late.abort(tooSlow(stallMsMax));
    const stopTimer = clock.after(Math.max(0, stallMsMax - work.stalledMs), onTimeout, "awaited");
    try {
      return await events.next();
    } finally {
      stopTimer();
      const tookMs = clock.nowMs() - askedAtMs;
      work.workedMs += tookMs;
      work.stalledMs += tookMs;
    }
  }

  async #start(slot: Slot): Promise<DecoderProcess> {
    const { ffmpegCommand, clock, onEvent } = this.#settings;
    const settings: NativeDecoderSettings = { limits: this.#limits, ffmpegCommand };
    const { memoryBytesMax } = this.#limits;
    let tooLarge: string | null = null;
    const started = await startNativeProcess<NativeDecoder>({
      kind: "audio-decoder",
      settings,
      heapMibMax: HEAP_MIB_MAX,
      hasBytePipe: true,
      onEvent: (event) => {
        onEvent(event);
        if (event.type !== "process-memory" || event.rssBytes <= memoryBytesMax) return;
        tooLarge = `it was killed because it took ${event.rssBytes} bytes of memory, more than ${memoryBytesMax}`;
        process.kill(event.pid, "SIGKILL");
      },
      limits: { abortTimeMsMax: END_MS_MAX, exitTimeMsMax: END_MS_MAX, loadTimeMsMax: LOAD_MS_MAX },
      clock,
      ...(this.#entry === undefined ? {} : { entry: this.#entry }),
    });
    void started.lost.then((reason) => {
      onEvent({ type: "lost", pid: started.pid, reason: tooLarge ?? reason });
      if (slot.process === started) slot.process = null;
    });
    return started;
  }

  /** Between two files. */
  async #rest(slot: Slot): Promise<void> {
    if (this.#isClosed) return endProcess(slot);
    const { idleMsMax, clock } = this.#settings;
    slot.stopIdleTimer = clock.after(idleMsMax, () => void endProcess(slot), "detached");
  }
}

/** @throws what the process throws; the signal's reason */
async function* decodeThere(
  { model, bytePipe }: DecoderProcess,
  work: FileWork,
  signal: AbortSignal,
): AsyncGenerator<DecodedEvent, void> {
  if (bytePipe === null) throw new Error("The process of a decoder has no pipe.");
  const { pieces } = work;
  const received = model.answers.receive({ bytes: countBytes(pieces) }, signal);
  received.catch(() => {});
  await writePieces(bytePipe, pieces, signal);
  await received;
  work.isSent = true;
  yield* model.streams.decode(null, signal);
}

async function endProcess(slot: Slot): Promise<void> {
  const { process } = slot;
  slot.stopIdleTimer();
  slot.process = null;
  // That it had to be killed is no one's concern any more.
  await process?.close().catch(() => {});
}

function countBytes(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function tooSlow(msMax: number): AiError {
  return audioError(`The audio file could not be decoded within ${msMax} ms.`);
}
