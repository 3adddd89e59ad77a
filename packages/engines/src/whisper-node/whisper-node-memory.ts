/** What the processes of whisper.cpp take of the memory. */

import { stat } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { readGgmlHeader } from "./ggml-header.ts";
import { WHISPER_NODE_CONCURRENCY_DEFAULT } from "./whisper-node-settings.ts";
import type { WhisperNodeModelSettings } from "./whisper-node-settings.ts";

const FLOAT_BYTES = 4;
const HALF_BYTES = 2;
/** Measured: 1.06 to 1.08 of the file. */
const WEIGHTS_FACTOR = 1.1;
/** Of keys and values of texts: whisper.cpp has room for three times the longest. */
const TEXTS = 3;
/** ONNX Runtime with the voice detector, in the process that cuts the recordings. */
const DETECTOR_BYTES = 64 * 1024 * 1024;

/**
 * Upper bound in bytes, the process that cuts recordings not counted. Measured for one at a time: 236 MB of 271 for tiny.en, 356 of
 * 391 for base.
 *
 * @throws AiError `engine_unavailable` without the file
 */
export async function estimateWhisperNodeBytes({
  modelPath,
  concurrency = WHISPER_NODE_CONCURRENCY_DEFAULT,
}: WhisperNodeModelSettings): Promise<number> {
  const header = await readGgmlHeader(modelPath);
  const { audioPositions, audioWidth, audioHeads, textPositions, textWidth, textLayers, vocabulary } = header;
  const { size } = await stat(modelPath).catch((thrown: unknown) => {
    throw new AiError("engine_unavailable", "The model file can't be read.", { cause: thrown });
  });
  const attention = FLOAT_BYTES * audioPositions * (audioHeads * audioPositions + 8 * audioWidth);
  const logits = FLOAT_BYTES * vocabulary * textPositions;
  const keysAndValues = HALF_BYTES * 2 * textLayers * textWidth * (audioPositions + TEXTS * textPositions);
  return Math.ceil(DETECTOR_BYTES + concurrency * (size * WEIGHTS_FACTOR + attention + logits + keysAndValues));
}
