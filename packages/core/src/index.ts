/** The AI service: identity, models, admission, chat and embeddings behind one door. No HTTP, no native code. */

export { createAiService } from "./ai-service.ts";
export type { AiService, AiServiceOptions, RoutedCall, UpstreamCall } from "./ai-service.ts";
export { AI_ERROR_CODES, AiError, toAiError } from "./ai-error.ts";
export type { AiErrorCode, AiErrorOptions } from "./ai-error.ts";
export { decodeAiError, encodeAiError } from "./ai-error-data.ts";
export type { AiErrorData } from "./ai-error-data.ts";
export type { AuthorisedCall, CallOperation, CallOutcome } from "./call.ts";
export type { CallRecord } from "./call-record.ts";
export { isRecord } from "./json-record.ts";
export type { JsonRecord } from "./json-record.ts";
export { mapInSlices } from "./map-in-slices.ts";
export { stringifyInSlices } from "./stringify-in-slices.ts";
export { createWorkSlices } from "./work-slices.ts";
export type { WorkSlices } from "./work-slices.ts";

export type { QueueStatus } from "./admission/model-queues.ts";
export { createRateLimits } from "./admission/rate-limits.ts";
export type { AccountLimits, LimitedKind, OnRateLimit, RateLimitFacts, RateLimits } from "./admission/rate-limits.ts";
export { chargeCheckpoint } from "./credits/call-checkpoint.ts";
export type { CallCheckpoint } from "./credits/call-checkpoint.ts";
export { FREE_OF_CHARGE } from "./credits/prices.ts";
export type { Prices } from "./credits/prices.ts";
export { BILLED_OPERATIONS, NO_USAGE } from "./usage.ts";
export type { BilledOperation, UsageSource, UsageUnits } from "./usage.ts";

export { createAuthenticator } from "./auth/authenticator.ts";
export type { Authenticator, AuthenticatorOptions, SessionCredential } from "./auth/authenticator.ts";
export { authorise, createCallId } from "./auth/authorise.ts";
export { generateApiKey } from "./auth/api-key.ts";
export type { GenerateApiKeyOptions } from "./auth/api-key.ts";
export { generateClientSecret } from "./auth/client-secret.ts";
export type { GenerateClientSecretOptions } from "./auth/client-secret.ts";
export { mintToken } from "./auth/jwt.ts";
export type { JwtSettings, MintTokenOptions } from "./auth/jwt.ts";
export type { KeySetSettings } from "./auth/key-set.ts";
export { describeRevocation } from "./auth/token-fingerprint.ts";
export type { TokenRevocation } from "./auth/token-fingerprint.ts";
export { CLOCK_TOLERANCE_SECONDS_MAX } from "./auth/token-limits.ts";
export { CAPABILITY_DOMAINS, CAPABILITY_VERBS, isGranted } from "./principal.ts";
export type {
  CapabilityDomain,
  CapabilityVerb,
  GrantedCapability,
  Principal,
  RequiredCapability,
} from "./principal.ts";
export type { ApiKeyRecord, ApiKeyStore } from "./store/api-key-store.ts";
export type { ClientSecretRecord, ClientSecretStore } from "./store/client-secret-store.ts";
export type * from "./store/credit-store.ts";
export { RATE_LIMIT_WINDOW_MS } from "./store/rate-limit-store.ts";
export type { ModelSnapshot, ModelStore, NewStoredModel, StoredModel, StoredModelChange } from "./store/model-store.ts";
export type * from "./store/response-store.ts";
export type * from "./store/response-run-store.ts";
export type { StoredTask, TaskExample, TaskStore } from "./store/task-store.ts";
export type { RateLimitOutcome, RateLimitStore, RateLimitUse } from "./store/rate-limit-store.ts";
export type { TokenRevocationStore } from "./store/token-revocation-store.ts";

export type {
  ChatEngine,
  ChatEngineLimits,
  ChatMessage,
  ChatPrompt,
  TextPrompt,
  ChatRole,
  ChatToolCall,
  FinishReason,
  GenerationOptions,
  GenerationEvent,
  GenerationRequest,
  ModelLeases,
  PlainText,
  PreparedPrompt,
  PreparedText,
  PromptLogprob,
  RecommendedSampling,
  Sampling,
  TextTokens,
  TokenLogprob,
  TokenProbability,
} from "./engine/chat-engine.ts";
export type {
  EmbeddingEngine,
  EmbeddingEngineLimits,
  EmbeddingInput,
  EmbeddingVector,
  PreparedInput,
  PreparedInputs,
} from "./engine/embedding-engine.ts";
export { SPEECH_FORMATS, SPEECH_SAMPLE_RATE } from "./engine/speech-engine.ts";
export type {
  SpeechEngine,
  SpeechEngineLimits,
  SpeechEvent,
  SpeechFormat,
  SpeechRequest,
  SpeechVoice,
} from "./engine/speech-engine.ts";
export type {
  LiveEvent,
  LiveOptions,
  LiveTranscription,
  PreparedTranscription,
  SpeechBoundary,
  SpeechDetection,
  TranscribedSegment,
  TranscribedWord,
  TranscriptionEngine,
  TranscriptionEngineLimits,
  TranscriptionEvent,
  TranscriptionOptions,
  TranscriptionRequest,
  TranscriptionTask,
  TranscriptionTokens,
} from "./engine/transcription-engine.ts";
export { FREE_TEXT } from "./engine/chat-output.ts";
export { createInputReader, describeInput, wrapInput } from "./engine/custom-input.ts";
export type {
  AnswerFormat,
  ChatOutput,
  ChatTool,
  JsonSchema,
  SchemaRelaxation,
  ToolUse,
} from "./engine/chat-output.ts";
export type { DecoderEvent, LoadEvent, ProcessEvent, UnloadReason } from "./engine/load-event.ts";

export type {
  UpstreamBody,
  UpstreamEngine,
  UpstreamEngineLimits,
  UpstreamEvent,
  FormField,
  FormFile,
  UpstreamRequest,
  UpstreamStatus,
} from "./engine/upstream-engine.ts";
export type {
  RealtimeFrame,
  RealtimeUsage,
  RelayCounts,
  UpstreamRealtime,
  UpstreamRealtimeFrame,
  UpstreamRealtimeOptions,
  UpstreamRealtimeRequest,
} from "./engine/upstream-realtime.ts";
export type { OpenRelayOptions, RelayedSession } from "./realtime/relayed-session.ts";
export type { RelayEvent } from "./realtime/upstream-relay.ts";

export { BILLED_AS, MODEL_OPERATIONS, MODEL_TYPES, answersWithChunks, listOperations } from "./operations.ts";
export type { ModelOperationId, ModelRequestId } from "./model-operation-id.ts";
export type { ChunkOperationId, Engine, LocalEngine, ModelOperation, ModelType } from "./operations.ts";
export { createModelRegistry } from "./models/registry.ts";
export type { ModelAliases } from "./models/registry.ts";
export type { UnavailableEngine } from "./engine/unavailable-engine.ts";
export type { ModelDescription, ModelRegistry, QueueLimits, RegisteredModel } from "./models/registry.ts";
export type { ChatEvent, ChatRequest, ChatRun, ChatUsage } from "./services/chat-request.ts";
export type { Calls } from "./call-kind.ts";
export { chatCalls, compactionCalls, inputTokenCalls, responseCalls } from "./services/chat-service.ts";
export { completionCalls } from "./services/completion-service.ts";
export { embeddingCalls } from "./services/embedding-service.ts";
export { speechCalls } from "./services/speech-service.ts";
export type { SpeechCallRequest, SpeechRun } from "./services/speech-service.ts";
export { transcriptionCalls, translationCalls } from "./services/transcription-service.ts";
export type { SpokenRequest, TranscriptionRun } from "./services/transcription-request.ts";
export { foldTranscription } from "./services/fold-transcription.ts";
export type { Transcript } from "./services/fold-transcription.ts";
export { BYTES_PER_MS, applyPatch, createConfig } from "./realtime/realtime-config.ts";
export type {
  RealtimeAudioFormat,
  RealtimeConfig,
  RealtimePatch,
  RealtimeSessionType,
  SemanticVad,
  ServerVad,
  TranscriptionConfig,
  TurnDetection,
  TurnDetectionPatch,
} from "./realtime/realtime-config.ts";
export { REALTIME_ERROR_CODES } from "./realtime/realtime-session.ts";
export type {
  OpenRealtimeOptions,
  RealtimeAudioDecoder,
  RealtimeCounts,
  RealtimeEndReason,
  RealtimeError,
  RealtimeErrorCode,
  RealtimeEvent,
  RealtimeInput,
  RealtimeItem,
  RealtimeLimits,
  RealtimeOutput,
  RealtimeSession,
  RealtimeSessionView,
} from "./realtime/realtime-session.ts";
export { dropTurns, groupTurns, steadyDrop } from "./services/truncate-chat.ts";
export type { TurnGroup } from "./services/truncate-chat.ts";
export type { UpstreamCallRequest, RequestBounds, UpstreamRun } from "./services/upstream-request.ts";
export type { EmbeddingRequest, EmbeddingResult } from "./services/embedding-service.ts";
export type { SamplingOptions } from "./services/sampling.ts";
export type { CompletionEvent, CompletionRequest, CompletionRun } from "./services/completion-request.ts";
export { foldCompletionEvents } from "./services/fold-completion.ts";
export type { CompletionChoice, CompletionResult } from "./services/fold-completion.ts";
export { foldChatEvents } from "./services/fold-chat.ts";
export type { ChatChoice, ChatResult } from "./services/fold-chat.ts";
