/** The refusals of an uploaded audio file: the caller's fault, in the field `file`. */

import { AiError } from "@openai-compat/core";

export function audioError(message: string, cause?: unknown): AiError {
  return new AiError("invalid_value", message, { param: "file", ...(cause === undefined ? {} : { cause }) });
}

/** Of a file that may be fine, for which nothing here is made. */
export function unsupportedAudioError(message: string): AiError {
  return new AiError("unsupported_value", message, { param: "file" });
}

/** Of a file that was recognised and can't be decoded. */
export function damagedAudioError(format: string, detail: string, cause?: unknown): AiError {
  return audioError(`The audio file could not be decoded: as ${format}, ${detail}.`, cause);
}
