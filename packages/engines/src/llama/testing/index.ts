/** Models that tests make themselves, for every package that runs the real engines, and the parts that benchmarks run alone. */

export { RANDOM_MODEL_CONTROL_TOKENS, randomModelByteToken, writeRandomModel } from "./random-gguf.ts";
export type { RandomModelOptions } from "./random-gguf.ts";
export { writeTinyVoices } from "../../voices/testing/build-voice.ts";
export type { TinyVoices } from "../../voices/testing/build-voice.ts";
export { encodeSounds } from "../../whisper/testing/recordings.ts";
export { makeTinyWhisper } from "../../whisper/testing/tiny-whisper.ts";
export type { TinyWhisper } from "../../whisper/testing/tiny-whisper.ts";
export { KOKORO_VOICES } from "../../models/voice-catalogue.ts";
export { importOnnxRuntime } from "../../onnx/onnx-runtime.ts";
export { cutText } from "../../voices/cut-text.ts";
export { openHibariGraph, openKokoroGraph } from "../../voices/synthesis/voice-graph.ts";
export type { VoiceGraph } from "../../voices/synthesis/voice-graph.ts";
export { openVoiceAssets } from "../../voices/voice-assets.ts";
export { openWhisperCheckpoint } from "../../whisper/whisper-checkpoint.ts";
export { loadWhisperModel } from "../../whisper/whisper-model.ts";
