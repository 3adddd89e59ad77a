/** The kinds of native models. The parent knows their types; a child imports the one that it has to load. */

import type { NativeDecoderSettings } from "../audio/native-decoder.ts";
import type { EmbeddingModelSettings } from "../llama/llama-embedding-settings.ts";
import type { ChatModelSettings } from "../llama/llama-settings.ts";
import type { OnnxEmbeddingModelSettings } from "../onnx-embedding/onnx-embedding-settings.ts";
import type { NativeWhisperSettings } from "../whisper/native-whisper.ts";
import type { NativeWhisperNodeSettings } from "../whisper-node/whisper-node-settings.ts";
import type { GraphSettings } from "../voices/synthesis/native-graph.ts";
import type { VoiceModelSettings } from "../voices/voice-settings.ts";
import { openNativeLibrary } from "./native-library.ts";
import type { NativeKinds, NativeLog } from "./native-model.ts";

export const NATIVE_KINDS = {
  "audio-decoder": async (settings: NativeDecoderSettings) =>
    (await import("../audio/native-decoder.ts")).openNativeDecoder(settings),
  "llama-chat": async (settings: ChatModelSettings, log: NativeLog) =>
    (await import("../llama/native-chat.ts")).openNativeChat(settings, log),
  "llama-library": (_settings: null) =>
    openNativeLibrary(async () => (await import("../llama/native-runtime.ts")).openNativeRuntime({ gpu: false })),
  "onnx-library": (_settings: null) =>
    openNativeLibrary(async () => (await import("../onnx/onnx-runtime.ts")).importOnnxRuntime()),
  "llama-embedding": async (settings: EmbeddingModelSettings, log: NativeLog) =>
    (await import("../llama/native-embedding.ts")).openNativeEmbedding(settings, log),
  "onnx-embedding": async (settings: OnnxEmbeddingModelSettings) =>
    (await import("../onnx-embedding/native-onnx-embedding.ts")).openNativeOnnxEmbedding(settings),
  whisper: async (settings: NativeWhisperSettings) =>
    (await import("../whisper/native-whisper.ts")).openNativeWhisper(settings),
  "whisper-node": async (settings: NativeWhisperNodeSettings, log: NativeLog) =>
    (await import("../whisper-node/native-whisper-node.ts")).openNativeWhisperNode(settings, log),
  "voice-graph": async (settings: GraphSettings) =>
    (await import("../voices/synthesis/native-graph.ts")).openNativeGraph(settings),
  voice: async (settings: VoiceModelSettings) => (await import("../voices/native-voice.ts")).openNativeVoice(settings),
} as const satisfies NativeKinds;

export type NativeKind = keyof typeof NATIVE_KINDS;
export type NativeSettings<Kind extends NativeKind> = Parameters<(typeof NATIVE_KINDS)[Kind]>[0];
export type NativeModelOf<Kind extends NativeKind> = Awaited<ReturnType<(typeof NATIVE_KINDS)[Kind]>>;
