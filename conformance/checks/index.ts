/** Every check of the suite, in the order in which it runs: cheap ones and what others build on come first. */

import type { Check } from "../src/check.ts";
import { formParameterChecks } from "./audio/form-parameters.ts";
import { roundtripChecks } from "./audio/roundtrip.ts";
import { speechChecks } from "./audio/speech.ts";
import { speechRefusalChecks } from "./audio/speech-refusals.ts";
import { transcriptChecks } from "./audio/transcripts.ts";
import { transcriptRefusalChecks } from "./audio/transcript-refusals.ts";
import { transcriptStreamChecks } from "./audio/transcript-stream.ts";
import { unreadBodyChecks } from "./audio/unread-bodies.ts";
import { uploadChecks } from "./audio/uploads.ts";
import { wordChecks } from "./audio/words.ts";
import { clientSecretChecks } from "./auth/client-secrets.ts";
import { authChecks } from "./auth/credentials.ts";
import { refusalHeaderChecks } from "./limits/refusal-headers.ts";
import { billingChecks } from "./billing/credits.ts";
import { billedOperationChecks } from "./billing/every-operation.ts";
import { chatCompletionChecks } from "./chat/completion.ts";
import { chatFormRefusalChecks } from "./chat/structured-output-refusals.ts";
import { chatFormatSchemaChecks } from "./chat/output-schemas.ts";
import { chatFormatChecks } from "./chat/output-format.ts";
import { chatLimitChecks } from "./chat/limits.ts";
import { chatLogprobChecks } from "./chat/logprobs.ts";
import { chatMediaChecks } from "./chat/media.ts";
import { chatRefusalChecks } from "./chat/refusals.ts";
import { chatRequestChecks } from "./chat/requests.ts";
import { chatSamplingChecks } from "./chat/sampling.ts";
import { chatStreamBehaviourChecks } from "./chat/stream-behaviour.ts";
import { chatStreamChecks } from "./chat/stream.ts";
import { chatToolCallChecks } from "./chat/tool-calls.ts";
import { chatToolChoiceChecks } from "./chat/tool-choice.ts";
import { chatToolSchemaChecks } from "./chat/tool-schemas.ts";
import { chatToolStreamChecks } from "./chat/tool-stream.ts";
import { chatToolTurnChecks } from "./chat/tool-turns.ts";
import { chatToolCustomChecks } from "./chat/tool-custom.ts";
import { chatToolExtraChecks } from "./chat/tool-extras.ts";
import { completionLimitChecks } from "./completions/limits.ts";
import { completionLogprobChecks } from "./completions/logprobs.ts";
import { completionPromptChecks } from "./completions/prompts.ts";
import { completionRefusalChecks } from "./completions/refusals.ts";
import { completionStreamChecks } from "./completions/stream.ts";
import { completionChecks } from "./completions/completion.ts";
import { documentedPathChecks } from "./errors/documented-paths.ts";
import { embeddingChecks } from "./embeddings/embeddings.ts";
import { badInputChecks } from "./errors/bad-input.ts";
import { envelopeChecks } from "./errors/envelopes.ts";
import { errorChecks } from "./errors/errors.ts";
import { legalRequestChecks } from "./errors/legal-requests.ts";
import { wrongTypeChecks } from "./errors/wrong-types.ts";
import { halfSurrogateChecks } from "./errors/half-surrogates.ts";
import { httpCorsChecks } from "./http/cors.ts";
import { httpChecks } from "./http/requests.ts";
import { lengthAtLimitChecks } from "./generation/length-at-limit.ts";
import { fairnessChecks } from "./limits/fairness.ts";
import { answerChecks } from "./invariants/answers.ts";
import { wholeRequestChecks } from "./invariants/conversation.ts";
import { headerChecks } from "./invariants/headers.ts";
import { rangeChecks } from "./invariants/ranges.ts";
import { refusalChecks } from "./invariants/refusals.ts";
import { requiredKeyChecks } from "./invariants/required-keys.ts";
import { repeatedChecks } from "./invariants/repeated.ts";
import { functionChecks } from "./invariants/functions.ts";
import { seedChecks } from "./invariants/seeds.ts";
import { severalChoicesChecks } from "./invariants/several-choices.ts";
import { limitedOperationChecks } from "./limits/every-operation.ts";
import { limitChecks } from "./limits/overload.ts";
import { modelChecks } from "./models/models.ts";
import { realtimeBetaChecks, realtimeFrameChecks } from "./realtime/frames.ts";
import { realtimeBufferChecks } from "./realtime/buffer.ts";
import { realtimeCredentialChecks } from "./realtime/credentials.ts";
import { realtimeDetectionChecks } from "./realtime/detection.ts";
import { realtimeFaultChecks } from "./realtime/faults.ts";
import { realtimeBillingChecks } from "./billing/realtime.ts";
import { realtimeSecretChecks, secretExpiryCheck } from "./realtime/secrets.ts";
import { realtimeSessionChecks } from "./realtime/sessions.ts";
import { realtimeTextCheck } from "./realtime/texts.ts";
import { realtimeTurnChecks } from "./realtime/turns.ts";
import { rateLimitChecks } from "./limits/rate-limit.ts";
import { createResponseChecks } from "./responses/create.ts";
import { responseBackgroundChecks } from "./responses/background.ts";
import { responseRetrievalChecks } from "./responses/retrieval.ts";
import { conversationItemChecks } from "./responses/conversation-items.ts";
import { conversationTurnChecks } from "./responses/conversation-turns.ts";
import { conversationChecks } from "./responses/conversations.ts";
import { compactionChecks } from "./responses/compact.ts";
import { inputTokenChecks } from "./responses/input-tokens.ts";
import { storedInputChecks } from "./responses/stored-input.ts";
import { storedChatChecks } from "./responses/stored-chats.ts";
import { responseTooLongChecks } from "./responses/too-long.ts";
import { responseForcedChecks } from "./responses/limits-and-formats.ts";
import { responseInputChecks } from "./responses/input.ts";
import { responsePreviousChecks } from "./responses/previous.ts";
import { responseRefusalChecks } from "./responses/refusals.ts";
import { responseSocketChecks } from "./responses/socket.ts";
import { responseSocketStateChecks } from "./responses/socket-state.ts";
import { responseStreamChecks } from "./responses/stream.ts";
import { responseToolChecks } from "./responses/tools.ts";
import { responseConversationChecks } from "./invariants/response-conversation.ts";
import { sseChecks } from "./sse/framing.ts";
import { clientInputChecks } from "./chat/client-inputs.ts";
import { storedRequestChecks } from "./errors/stored-requests.ts";
import { choicesUsageChecks } from "./generation/choices-usage.ts";
import { refusedStreamChecks } from "./generation/refused-streams.ts";
import { streamUsageChecks } from "./generation/stream-usage.ts";
import { tooLongChecks } from "./generation/too-long.ts";
import { realtimeLimitChecks } from "./limits/realtime.ts";
import { realtimeInvariantChecks } from "./realtime/invariants.ts";
import { realtimeParameterChecks } from "./realtime/parameters.ts";
import { realtimeUpdateChecks } from "./realtime/updates.ts";
import { upgradeChecks } from "./realtime/upgrade.ts";
import { upstreamHabitChecks } from "./upstreams/habits.ts";
import { upstreamChecks } from "./upstreams/failures.ts";

/** These look at answers alone, but for the checks among them that say otherwise. */
function share(given: readonly Check[]): readonly Check[] {
  return given.map((check) => ({ sharesAnswers: true, ...check }));
}

/**
 * These ask for themselves, and it makes no difference to them what is asked at the same time. None of them sends what may
 * end a server: which check did that is known of those that run alone.
 */
function independent(given: readonly Check[]): readonly Check[] {
  return given.map((check) => ({ isIndependent: true, ...check }));
}

export const checks: readonly Check[] = [
  ...modelChecks,
  ...share(chatCompletionChecks),
  ...share(chatRequestChecks),
  ...chatRefusalChecks,
  ...share(chatLimitChecks),
  ...share(chatLogprobChecks),
  ...share(chatSamplingChecks),
  ...share(chatStreamChecks),
  ...share(chatStreamBehaviourChecks),
  ...share(chatToolChoiceChecks),
  ...share(chatToolCallChecks),
  ...share(chatToolStreamChecks),
  ...share(chatToolTurnChecks),
  ...share(chatToolCustomChecks),
  ...share(chatToolExtraChecks),
  ...share(chatToolSchemaChecks),
  ...share(chatFormatChecks),
  ...share(chatFormatSchemaChecks),
  ...chatFormRefusalChecks,
  ...clientInputChecks,
  ...chatMediaChecks,
  ...share(sseChecks),
  ...share(completionChecks),
  ...share(completionPromptChecks),
  ...share(completionLimitChecks),
  ...share(completionLogprobChecks),
  ...completionRefusalChecks,
  ...share(completionStreamChecks),
  ...share(streamUsageChecks),
  ...share(choicesUsageChecks),
  ...refusedStreamChecks,
  ...share(lengthAtLimitChecks),
  ...tooLongChecks,
  ...share(createResponseChecks),
  ...share(responseForcedChecks),
  ...responseTooLongChecks,
  ...share(responseInputChecks),
  ...share(responseStreamChecks),
  ...share(responseToolChecks),
  ...independent(responsePreviousChecks),
  ...responseSocketChecks,
  ...responseSocketStateChecks,
  ...responseRefusalChecks,
  ...responseConversationChecks,
  ...storedChatChecks,
  ...responseRetrievalChecks,
  ...independent(inputTokenChecks),
  ...compactionChecks,
  ...storedInputChecks,
  ...conversationChecks,
  ...conversationItemChecks,
  ...conversationTurnChecks,
  ...share(embeddingChecks),
  ...share(transcriptChecks),
  ...share(wordChecks),
  ...share(transcriptStreamChecks),
  ...responseBackgroundChecks,
  ...transcriptRefusalChecks,
  ...uploadChecks,
  ...share(speechChecks),
  ...speechRefusalChecks,
  ...independent(roundtripChecks),
  ...unreadBodyChecks,
  ...realtimeSecretChecks,
  ...upgradeChecks,
  ...realtimeCredentialChecks,
  ...realtimeSessionChecks,
  ...share(formParameterChecks),
  ...realtimeUpdateChecks,
  ...realtimeParameterChecks,
  ...realtimeInvariantChecks,
  ...realtimeTurnChecks,
  realtimeTextCheck,
  ...realtimeDetectionChecks,
  ...realtimeBufferChecks,
  ...realtimeFaultChecks,
  ...realtimeFrameChecks,
  ...realtimeBetaChecks,
  ...authChecks,
  ...rateLimitChecks,
  ...envelopeChecks,
  ...badInputChecks,
  ...errorChecks,
  ...halfSurrogateChecks,
  ...wrongTypeChecks,
  ...share(answerChecks),
  ...share(wholeRequestChecks),
  ...independent(headerChecks),
  ...refusalChecks,
  ...independent(repeatedChecks),
  ...rangeChecks,
  ...share(severalChoicesChecks),
  ...share(seedChecks),
  ...independent(functionChecks),
  ...share(requiredKeyChecks),
  ...independent(clientSecretChecks),
  ...refusalHeaderChecks,
  ...share(legalRequestChecks),
  ...storedRequestChecks,
  ...documentedPathChecks,
  ...httpChecks,
  ...httpCorsChecks,
  ...billingChecks,
  ...billedOperationChecks,
  ...realtimeBillingChecks,
  ...limitChecks,
  ...limitedOperationChecks,
  ...realtimeLimitChecks,
  ...fairnessChecks,
  ...upstreamChecks,
  ...upstreamHabitChecks,
  secretExpiryCheck,
];
