/** The catalogue of mutants. Those that make checks wait come first, so that a run does not end with them alone. */

import { speechMutants } from "./audio/speech.ts";
import { transcriptMutants } from "./audio/transcripts.ts";
import { uploadMutants } from "./audio/uploads.ts";
import { authMutants } from "./auth/credentials.ts";
import { billingMutants } from "./billing/credits.ts";
import { billedOperationMutants } from "./billing/every-operation.ts";
import { limitedOperationMutants } from "./limits/every-operation.ts";
import { chatCompletionMutants } from "./chat/completion.ts";
import { chatRequestMutants } from "./chat/requests.ts";
import { chatStreamMutants } from "./chat/stream.ts";
import { completionLimitMutants } from "./completions/limits.ts";
import { completionLogprobMutants, completionStreamMutants } from "./completions/stream.ts";
import { completionMutants } from "./completions/completion.ts";
import { edgeMutants } from "./generation/edges.ts";
import { embeddingMutants } from "./embeddings/embeddings.ts";
import { errorMutants } from "./errors/errors.ts";
import { refusedOtherwiseMutants } from "./errors/refused-otherwise.ts";
import { formatMutants } from "./chat/output-format.ts";
import { httpMutants } from "./http/requests.ts";
import { limitMutants } from "./limits/overload.ts";
import { chatLogprobMutants } from "./chat/logprobs.ts";
import { modelMutants } from "./models/models.ts";
import type { Mutant } from "./mutant.ts";
import { realtimeFaultMutants } from "./realtime/faults.ts";
import { realtimeSecretMutants } from "./realtime/secrets.ts";
import { realtimeSessionMutants } from "./realtime/sessions.ts";
import { realtimeTurnMutants } from "./realtime/turns.ts";
import { realtimeUpgradeMutants } from "./realtime/upgrade.ts";
import { rateLimitMutants } from "./limits/rate-limit.ts";
import { responseAnswerMutants } from "./responses/answers.ts";
import { responseBackgroundMutants } from "./responses/background.ts";
import { responsePreviousMutants } from "./responses/previous.ts";
import { responseRequestMutants } from "./responses/requests.ts";
import { responseRetrievalMutants } from "./responses/retrieval.ts";
import { responseSocketMutants } from "./responses/socket.ts";
import { sseMutants } from "./sse/framing.ts";
import { createResponseMutants } from "./responses/create.ts";
import { conversationTurnMutants } from "./responses/conversation-turns.ts";
import { conversationMutants } from "./responses/conversations.ts";
import { compactionMutants } from "./responses/compact.ts";
import { inputTokenMutants } from "./responses/input-tokens.ts";
import { storedInputMutants } from "./responses/stored-input.ts";
import { storedChatMutants } from "./responses/stored-chats.ts";
import { toolCallMutants } from "./chat/tool-calls.ts";
import { toolChoiceMutants } from "./chat/tool-choice.ts";
import { toolCustomMutants } from "./chat/tool-custom.ts";
import { clientInputMutants } from "./chat/client-inputs.ts";
import { usageMutants } from "./generation/usage.ts";
import { upstreamMutants } from "./upstreams/upstreams.ts";

export const mutants: readonly Mutant[] = [
  ...upstreamMutants,
  ...limitMutants,
  ...rateLimitMutants,
  ...limitedOperationMutants,
  ...billingMutants,
  ...billedOperationMutants,
  ...uploadMutants,
  ...realtimeSecretMutants,
  ...realtimeFaultMutants,
  ...realtimeTurnMutants,
  ...realtimeSessionMutants,
  ...realtimeUpgradeMutants,
  ...responseAnswerMutants,
  ...responsePreviousMutants,
  ...responseSocketMutants,
  ...responseRequestMutants,
  ...responseRetrievalMutants,
  ...responseBackgroundMutants,
  ...modelMutants,
  ...chatCompletionMutants,
  ...chatRequestMutants,
  ...chatLogprobMutants,
  ...chatStreamMutants,
  ...toolChoiceMutants,
  ...toolCallMutants,
  ...formatMutants,
  ...completionMutants,
  ...completionLimitMutants,
  ...completionLogprobMutants,
  ...completionStreamMutants,
  ...embeddingMutants,
  ...transcriptMutants,
  ...speechMutants,
  ...sseMutants,
  ...authMutants,
  ...errorMutants,
  ...refusedOtherwiseMutants,
  ...edgeMutants,
  ...usageMutants,
  ...clientInputMutants,
  ...toolCustomMutants,
  ...httpMutants,
  ...createResponseMutants,
  ...storedChatMutants,
  ...inputTokenMutants,
  ...compactionMutants,
  ...storedInputMutants,
  ...conversationMutants,
  ...conversationTurnMutants,
];
