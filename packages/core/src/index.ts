export { AI_ERROR_CODES, AiError, toAiError } from "./ai-error.ts";
export type { AiErrorCode, AiErrorOptions } from "./ai-error.ts";
export { CAPABILITY_VERBS, isGranted } from "./auth/principal.ts";
export type { CapabilityVerb, GrantedCapability, Principal, RequiredCapability } from "./auth/principal.ts";
export type {
  ChatEngine,
  ChatEngineLimits,
  ChatMessage,
  ChatRole,
  ChatToolCall,
  FinishReason,
  GenerationEvent,
  GenerationRequest,
  PreparedPrompt,
  Sampling,
} from "./engine/chat-engine.ts";
export type { ApiKeyRecord, ApiKeyStore } from "./store/api-key-store.ts";
