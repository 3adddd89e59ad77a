import type { ReferenceOperation } from "./operation.ts";
import { createTranscription } from "./create-transcription.ts";

/** English recordings are heard as they are. */
export const createTranslation: ReferenceOperation = createTranscription;
