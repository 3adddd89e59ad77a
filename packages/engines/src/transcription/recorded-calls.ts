/**
 * Recordings on their way to a transcription model in a process of its own: decoded and held in the server, and fed to that
 * process as fast as it listens. It knows nothing of the model.
 */

import { AiError } from "@openai-compat/core";
import type { TranscriptionEngine, TranscriptionOptions } from "@openai-compat/core";
import { decodeAudio } from "../audio/index.ts";
import type { HostedModel } from "../host/hosted-model.ts";
import { createHeldAudio } from "../shared/held-audio.ts";
import type { OpenAudio } from "../shared/held-audio.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { listenFed } from "./listen-fed.ts";
import type { ListeningModel } from "./listening-model.ts";

export interface RecordedCallsOptions {
  readonly hosted: HostedModel<ListeningModel>;
  /** Transcriptions side by side. */
  readonly concurrency: number;
  /** Called before a recording is decoded. @throws AiError for what the model can't do */
  readonly check: (options: TranscriptionOptions) => Promise<void>;
}

/** 16-bit samples of 16 kHz, in the pieces in which they are fed. */
interface Recording {
  readonly pieces: readonly Int16Array[];
  readonly samples: number;
}

const SAMPLES_PER_MS = 16;
/** Ten seconds. */
const PIECE_SAMPLES = 160_000;

export function createRecordedCalls({
  hosted,
  concurrency,
  check,
}: RecordedCallsOptions): Pick<TranscriptionEngine, "prepare" | "transcribe" | "release"> {
  const slots = createSlotPool(Array.from({ length: concurrency }, () => ({})));
  const held = createHeldAudio<Recording>();
  return {
    async prepare({ pieces, ...options }, signal) {
      signal.throwIfAborted();
      await check(options);
      const open = held.open();
      try {
        const recording = await readRecording(pieces, open, signal);
        const audioMs = Math.ceil(recording.samples / SAMPLES_PER_MS);
        if (audioMs === 0) throw new AiError("invalid_value", "The recording is empty.", { param: "file" });
        return { audioId: open.hold(recording), audioMs, options };
      } finally {
        open.drop();
      }
    },
    async *transcribe({ audioId, options }, signal) {
      try {
        const recording = held.take(audioId);
        const slot = await slots.acquire(signal);
        try {
          const { value, release } = await hosted.acquire(signal);
          try {
            const { answers, streams } = value;
            yield* listenFed({ answers, stream: streams.transcribe, options, pieces: recording.pieces }, signal);
          } finally {
            release();
          }
        } finally {
          slots.release(slot);
        }
      } finally {
        held.release(audioId);
      }
    },
    release: (audioId) => held.release(audioId),
  };
}

/** Room for a piece is there before its samples are: what waits for room is not decoded meanwhile. */
async function readRecording(
  filePieces: readonly Uint8Array[],
  room: OpenAudio<Recording>,
  signal: AbortSignal,
): Promise<Recording> {
  const pieces: Int16Array[] = [];
  const addPiece = async () => {
    await room.grow(PIECE_SAMPLES * Int16Array.BYTES_PER_ELEMENT, signal);
    return new Int16Array(PIECE_SAMPLES);
  };
  let piece = await addPiece();
  let filled = 0;
  let samples = 0;
  for await (const decoded of decodeAudio(filePieces, signal)) {
    samples += decoded.length;
    for (let at = 0; at < decoded.length;) {
      if (filled === PIECE_SAMPLES) {
        pieces.push(piece);
        piece = await addPiece();
        filled = 0;
      }
      const part = decoded.subarray(at, at + PIECE_SAMPLES - filled);
      piece.set(part, filled);
      filled += part.length;
      at += part.length;
    }
  }
  if (filled > 0) pieces.push(piece.slice(0, filled));
  return { pieces, samples };
}
