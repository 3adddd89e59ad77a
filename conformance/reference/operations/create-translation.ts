import { hearing } from "./transcript.ts";

/** English recordings are heard as they are. */
export const createTranslation = hearing("translate");
