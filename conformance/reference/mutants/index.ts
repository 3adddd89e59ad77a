/** The catalogue of mutants. Those that make checks wait come first, so that a run does not end with them alone. */

import { authMutants } from "./auth.ts";
import { billingMutants } from "./billing.ts";
import { chatCompletionMutants } from "./chat-completion.ts";
import { chatRequestMutants } from "./chat-requests.ts";
import { chatStreamMutants } from "./chat-stream.ts";
import { completionLimitMutants } from "./completions-limits.ts";
import { completionLogprobMutants, completionStreamMutants } from "./completions-stream.ts";
import { completionMutants } from "./completions.ts";
import { edgeMutants } from "./edges.ts";
import { embeddingMutants } from "./embeddings.ts";
import { errorMutants } from "./errors.ts";
import { formatMutants } from "./formats.ts";
import { httpMutants } from "./http.ts";
import { limitMutants } from "./limits.ts";
import { chatLogprobMutants } from "./logprobs.ts";
import { modelMutants } from "./models.ts";
import type { Mutant } from "./mutant.ts";
import { rateLimitMutants } from "./rate-limit.ts";
import { sseMutants } from "./sse.ts";
import { toolCallMutants } from "./tool-calls.ts";
import { toolChoiceMutants } from "./tool-choice.ts";
import { toolCustomMutants } from "./tool-custom.ts";
import { upstreamMutants } from "./upstreams.ts";

export const mutants: readonly Mutant[] = [
  ...upstreamMutants,
  ...limitMutants,
  ...rateLimitMutants,
  ...billingMutants,
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
  ...sseMutants,
  ...authMutants,
  ...errorMutants,
  ...edgeMutants,
  ...toolCustomMutants,
  ...httpMutants,
];
