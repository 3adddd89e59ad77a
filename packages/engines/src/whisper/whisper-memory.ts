/** What a loaded Whisper takes of the memory. */

import { stat } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { readWhisperConfig } from "./whisper-checkpoint.ts";
import { LIVE_WINDOWS_MAX } from "./live-slots.ts";
import { BEAMS_DEFAULT, LIVE_TURNS_DEFAULT, WHISPER_CONCURRENCY_DEFAULT } from "./whisper-settings.ts";
import type { WhisperModelSettings } from "./whisper-settings.ts";

const FLOAT_BYTES = 4;
/** Of the file: the runtime keeps its weights in another order, and pages of the file beside them. */
const WEIGHTS_FACTOR = 1.5;
/** Graphs, the voice detector, buffers of the runtime, and what JavaScript has not collected yet. Measured: about 150 MiB. */
const FIXED_BYTES = 160 * 1024 * 1024;

/** Of a turn that is behind: its audio, twice the longest window, and copies of the part that is decoded. */
const LIVE_TURN_BYTES = 8 * 1024 * 1024;

/** Upper bound in bytes, the process not counted. @throws AiError `engine_unavailable` without the file */
export async function estimateWhisperBytes({
  modelPath,
  concurrency = WHISPER_CONCURRENCY_DEFAULT,
  liveTurns = LIVE_TURNS_DEFAULT,
  beams = BEAMS_DEFAULT,
}: WhisperModelSettings): Promise<number> {
  const { width, heads, decoderLayers, audioPositions, textPositions } = await readWhisperConfig(modelPath);
  const { size } = await stat(modelPath).catch((thrown: unknown) => {
    throw new AiError("engine_unavailable", "The model file can't be read.", { cause: thrown });
  });
  // Keys and values of each layer: of the audio, and of each token of each text, with room for twice as many.
  const callBytes = FLOAT_BYTES * 2 * decoderLayers * width * (audioPositions + 2 * beams * textPositions);
  // One window at a time: attention of all positions to all, and the layers' hidden states.
  const windowBytes = FLOAT_BYTES * audioPositions * (heads * audioPositions + 8 * width);
  return Math.ceil(
    size * WEIGHTS_FACTOR +
      FIXED_BYTES +
      windowBytes +
      (concurrency + LIVE_WINDOWS_MAX) * callBytes +
      liveTurns * LIVE_TURN_BYTES,
  );
}
