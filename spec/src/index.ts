/**
 * The shapes of the OpenAI `/v1` surface as zod schemas, and the list of operations. Importing it loads zod and nothing
 * else; the OpenAPI generator is a separate entry, `@openai-compat/spec/document`.
 */
export * from "./audio/speech-event.ts";
export * from "./audio/speech-request.ts";
export * from "./audio/transcription-event.ts";
export * from "./audio/transcription-request.ts";
export * from "./audio/transcription-response.ts";
export * from "./audio/transcription-segment.ts";
export * from "./audio/translation-request.ts";
export * from "./audio/translation-response.ts";
export * from "./audio/usage.ts";
export * from "./chat/chunk.ts";
export * from "./chat/content-part.ts";
export * from "./chat/finish-reason.ts";
export * from "./chat/logprobs.ts";
export * from "./chat/request-message.ts";
export * from "./chat/request-options.ts";
export * from "./chat/request.ts";
export * from "./chat/response-message.ts";
export * from "./chat/response.ts";
export * from "./chat/tool-call.ts";
export * from "./chat/tool-choice.ts";
export * from "./chat/tool.ts";
export * from "./completions/chunk.ts";
export * from "./completions/request.ts";
export * from "./completions/response.ts";
export * from "./embeddings/request.ts";
export * from "./embeddings/response.ts";
export * from "./models/model-list.ts";
export * from "./models/model.ts";
export * from "./operations.ts";
export * from "./shared/decode-form.ts";
export * from "./shared/error.ts";
export * from "./shared/flatten-issues.ts";
export * from "./shared/form-field.ts";
export * from "./shared/metadata.ts";
export * from "./shared/reasoning-effort.ts";
export * from "./shared/response-format.ts";
export * from "./shared/sampling.ts";
export * from "./shared/service-tier.ts";
export * from "./shared/token-ids.ts";
export * from "./shared/unix-time.ts";
export * from "./shared/usage.ts";
export * from "./shared/validate-shape.ts";
export * from "./shared/voice.ts";
