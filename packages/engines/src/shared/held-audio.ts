/**
 * Decoded recordings that wait for their transcription, within a bound of memory: what has no room waits for it, in
 * order. It doesn't know what a recording is.
 */

import { AiError } from "@openai-compat/core";
import { createAudioRoom } from "./audio-room.ts";
import type { RoomShare } from "./audio-room.ts";

export interface HeldAudioOptions {
  /** Of all recordings together. Default 512 MiB: about four hours of 16-bit samples at 16 kHz. */
  readonly bytesMax?: number;
  /** How long a recording waits for room. Default 60,000. */
  readonly waitMsMax?: number;
  /** After which time one that nobody has taken is dropped. Default an hour, longer than a call may wait for a slot. */
  readonly holdMsMax?: number;
}

export interface HeldAudio<Audio> {
  /** For a recording whose length is known when it has been decoded. */
  open(): OpenAudio<Audio>;
  /**
   * Hands a recording to the one who works with it. Its room stays taken until it is released.
   *
   * @throws AiError `queue_timeout` for one that is not held (any more)
   */
  take(id: string): Audio;
  /** Releasing again, or what is not known, changes nothing. */
  release(id: string): void;
}

/** A recording that is being decoded. */
export interface OpenAudio<Audio> {
  /**
   * Takes room for more of it, when there is some: the more is to be made after that. Recordings that have begun come
   * before others. One that is larger than the bound goes on when it is the only one, or the first of those that are
   * being decoded and no other is held.
   *
   * @throws AiError `queue_timeout`; the signal's reason when it aborts first
   */
  grow(bytes: number, signal: AbortSignal): Promise<void>;
  /** Called once, with the whole recording. @returns its id */
  hold(audio: Audio): string;
  /** Gives the room of one back that comes to nothing; after `hold` it changes nothing. */
  drop(): void;
}

const MIB = 1024 * 1024;

interface Entry<Audio> {
  /** Null when it has been taken. */
  audio: Audio | null;
  readonly share: RoomShare;
  readonly timer: NodeJS.Timeout;
}

export function createHeldAudio<Audio extends {}>(options: HeldAudioOptions = {}): HeldAudio<Audio> {
  const { bytesMax = 512 * MIB, waitMsMax = 60_000, holdMsMax = 3_600_000 } = options;
  const room = createAudioRoom(bytesMax, waitMsMax);
  const entries = new Map<string, Entry<Audio>>();

  const release = (id: string) => {
    const entry = entries.get(id);
    if (entry === undefined) return;
    entries.delete(id);
    clearTimeout(entry.timer);
    entry.share.free();
  };

  return {
    open() {
      const share = room.open();
      let isHeld = false;
      return {
        async grow(bytes, signal) {
          signal.throwIfAborted();
          await share.grow(bytes, signal);
        },
        hold(audio) {
          isHeld = true;
          share.end();
          const id = `audio_${crypto.randomUUID()}`;
          const timer = setTimeout(() => release(id), holdMsMax).unref();
          entries.set(id, { audio, share, timer });
          return id;
        },
        drop() {
          if (!isHeld) share.free();
        },
      };
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

function notHeld(): AiError {
  return new AiError("queue_timeout", "The recording of this call waited for too long. Please try again.");
}
