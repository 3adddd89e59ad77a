/** The settings of the processes of local models, the same for all kinds of engines that have some. */

import { DECODER_DEFAULTS, NATIVE_PROCESS_LIMITS } from "@openai-compat/engines";
import { z } from "zod";
import { count, milliseconds } from "../settings/units.ts";

/** Less than Node.js takes with the largest file. */
const DECODER_BYTES_MIN = 256 * 1024 * 1024;

export const processesSchema = z.strictObject({
  loadTimeMsMax: milliseconds
    .default(NATIVE_PROCESS_LIMITS.loadTimeMsMax)
    .describe("How long the process of a local model may take to load it before it is killed."),
  answerTimeMsMax: milliseconds
    .default(NATIVE_PROCESS_LIMITS.answerTimeMsMax)
    .describe(
      "How long the process of a local model may answer no question for a sign of life before it is killed; it is asked " +
        "every 5 s, so this is as good as the next multiple of that.",
    ),
  abortTimeMsMax: milliseconds
    .default(NATIVE_PROCESS_LIMITS.abortTimeMsMax)
    .describe(
      "How long a call may go on in the process of a local model after its abort before the process is killed.",
    ),
  exitTimeMsMax: milliseconds
    .default(NATIVE_PROCESS_LIMITS.exitTimeMsMax)
    .describe("How long the process of a local model may take to exit when the model is unloaded before it is killed."),
  logLinesPerMinute: count
    .default(NATIVE_PROCESS_LIMITS.logLinesPerMinute)
    .describe(
      "Warnings and errors of native libraries that are logged in a minute, for each model; more are left out.",
    ),
  decodersMax: count
    .max(64)
    .default(DECODER_DEFAULTS.processesMax)
    .describe("Processes that decode uploaded audio for local models, one file each; further files wait."),
  decoderMemoryBytesMax: count
    .min(DECODER_BYTES_MIN)
    .default(DECODER_DEFAULTS.memoryBytesMax)
    .describe(
      "Resident memory at which a process that decodes audio is killed, and its file refused; looked at every 5 s. Not a part of `memory.modelBytesMax`.",
    ),
  decoderIdleMs: milliseconds
    .default(DECODER_DEFAULTS.idleMsMax)
    .describe("How long a process that decodes audio is kept without a file."),
});
