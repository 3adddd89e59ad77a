/** Models that tests make themselves, for every package that runs the real engines. */

export { RANDOM_MODEL_CONTROL_TOKENS, randomModelByteToken, writeRandomModel } from "./random-gguf.ts";
export type { RandomModelOptions } from "./random-gguf.ts";
export { writeTinyVoices } from "../../voices/testing/build-voice.ts";
export type { TinyVoices } from "../../voices/testing/build-voice.ts";
export { encodeSounds } from "../../whisper/testing/recordings.ts";
export { makeTinyWhisper } from "../../whisper/testing/tiny-whisper.ts";
export type { TinyWhisper } from "../../whisper/testing/tiny-whisper.ts";
