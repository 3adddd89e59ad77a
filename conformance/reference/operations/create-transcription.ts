import { hearing } from "./transcript.ts";

export const createTranscription = hearing("transcribe");
