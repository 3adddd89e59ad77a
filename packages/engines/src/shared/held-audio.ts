/**
 * Decoded recordings that wait for their transcription, within a bound of memory: what has no room waits for it, in
 * order. It doesn't know what a recording is.
 */

import { AiError } from "@openai-compat/core";

export interface HeldAudioOptions {
  /** Of all recordings together. Default 512 MiB: about four hours of 16-bit samples at 16 kHz. */
  readonly bytesMax?: number;
  /** How long a recording waits for room. Default 60,000. */
  readonly waitMsMax?: number;
  /** After which time one that nobody has taken is dropped. Default an hour, longer than a call may wait for a slot. */
  readonly holdMsMax?: number;
}

export interface HeldAudio<Audio> {
  /**
   * Holds a recording when there is room. One that is larger than the bound waits until it is alone.
   *
   * @returns its id
   * @throws AiError `queue_timeout`; the signal's reason when it aborts first
   */
  hold(audio: Audio, bytes: number, signal: AbortSignal): Promise<string>;
  /**
   * Hands a recording to the one who works with it. Its room stays taken until it is released.
   *
   * @throws AiError `queue_timeout` for one that is not held (any more)
   */
  take(id: string): Audio;
  /** Releasing again, or what is not known, changes nothing. */
  release(id: string): void;
}

const MIB = 1024 * 1024;

interface Entry<Audio> {
  /** Null when it has been taken. */
  audio: Audio | null;
  readonly bytes: number;
  readonly timer: NodeJS.Timeout;
}

interface Waiter {
  readonly bytes: number;
  readonly enter: () => void;
}

export function createHeldAudio<Audio extends {}>(options: HeldAudioOptions = {}): HeldAudio<Audio> {
  const { bytesMax = 512 * MIB, waitMsMax = 60_000, holdMsMax = 3_600_000 } = options;
  const room = createRoom(bytesMax, waitMsMax);
  const entries = new Map<string, Entry<Audio>>();

  const release = (id: string) => {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    clearTimeout(entry.timer);
    room.free(entry.bytes);
  };

  return {
    async hold(audio, bytes, signal) {
      signal.throwIfAborted();
      await room.take(bytes, signal);
      const id = `audio_${crypto.randomUUID()}`;
      const timer = setTimeout(() => release(id), holdMsMax).unref();
      entries.set(id, { audio, bytes, timer });
      return id;
    },
    take(id) {
      const entry = entries.get(id);
      if (entry === undefined || entry.audio === null) throw notHeld();
      const { audio } = entry;
      entry.audio = null;
      clearTimeout(entry.timer);
      return audio;
    },
    release,
  };
}

/** Bytes that are taken in the order in which they are asked for: a small recording does not overtake a large one. */
function createRoom(bytesMax: number, waitMsMax: number) {
  const waiting = new Set<Waiter>();
  let bytesTaken = 0;

  const hasRoom = (bytes: number) => bytesTaken === 0 || bytesTaken + bytes <= bytesMax;

  const admitWaiting = () => {
    for (const waiter of waiting) {
      if (!hasRoom(waiter.bytes)) return;
      bytesTaken += waiter.bytes;
      waiter.enter();
    }
  };

  const wait = (bytes: number, signal: AbortSignal) =>
    new Promise<void>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        waiting.delete(waiter);
      };
      const refuse = (reason: unknown) => {
        end();
        reject(reason);
        admitWaiting();
      };
      const enter = () => {
        end();
        resolve();
      };
      const abort = () => refuse(signal.reason);
      const waiter: Waiter = { bytes, enter };
      const timer = setTimeout(() => refuse(noRoom(waitMsMax)), waitMsMax);
      signal.addEventListener("abort", abort, { once: true });
      waiting.add(waiter);
    });

  return {
    async take(bytes: number, signal: AbortSignal): Promise<void> {
      if (waiting.size > 0 || !hasRoom(bytes)) return wait(bytes, signal);
      bytesTaken += bytes;
    },
    free(bytes: number): void {
      bytesTaken -= bytes;
      admitWaiting();
    },
  };
}

function noRoom(waitMsMax: number): AiError {
  const message = `The recordings of other calls left no memory for this one within ${waitMsMax} ms. Please try again.`;
  return new AiError("queue_timeout", message, { retryAfterMs: 1000 });
}

function notHeld(): AiError {
  return new AiError("queue_timeout", "The recording of this call waited for too long. Please try again.");
}
