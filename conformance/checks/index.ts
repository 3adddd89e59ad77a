/** Every check of the suite, in the order in which it runs: cheap ones and what others build on come first. */

import type { Check } from "../src/check.ts";
import { authChecks } from "./auth.ts";
import { billingChecks } from "./billing.ts";
import { chatCompletionChecks } from "./chat-completion.ts";
import { chatFormRefusalChecks } from "./chat-form-refusals.ts";
import { chatFormatSchemaChecks } from "./chat-format-schemas.ts";
import { chatFormatChecks } from "./chat-format.ts";
import { chatLimitChecks } from "./chat-limits.ts";
import { chatLogprobChecks } from "./chat-logprobs.ts";
import { chatMediaChecks } from "./chat-media.ts";
import { chatRefusalChecks } from "./chat-refusals.ts";
import { chatRequestChecks } from "./chat-requests.ts";
import { chatSamplingChecks } from "./chat-sampling.ts";
import { chatStreamBehaviourChecks } from "./chat-stream-behaviour.ts";
import { chatStreamChecks } from "./chat-stream.ts";
import { chatToolCallChecks } from "./chat-tool-calls.ts";
import { chatToolChoiceChecks } from "./chat-tool-choice.ts";
import { chatToolSchemaChecks } from "./chat-tool-schemas.ts";
import { chatToolStreamChecks } from "./chat-tool-stream.ts";
import { chatToolTurnChecks } from "./chat-tool-turns.ts";
import { chatToolCustomChecks } from "./chat-tool-custom.ts";
import { chatToolExtraChecks } from "./chat-tool-extras.ts";
import { completionLimitChecks } from "./completions-limits.ts";
import { completionLogprobChecks } from "./completions-logprobs.ts";
import { completionPromptChecks } from "./completions-prompts.ts";
import { completionRefusalChecks } from "./completions-refusals.ts";
import { completionStreamChecks } from "./completions-stream.ts";
import { completionChecks } from "./completions.ts";
import { documentedPathChecks } from "./documented-paths.ts";
import { embeddingChecks } from "./embeddings.ts";
import { errorChecks } from "./errors.ts";
import { halfSurrogateChecks } from "./half-surrogates.ts";
import { httpCorsChecks } from "./http-cors.ts";
import { httpChecks } from "./http.ts";
import { lengthAtLimitChecks } from "./length-at-limit.ts";
import { fairnessChecks } from "./limits-fairness.ts";
import { limitChecks } from "./limits.ts";
import { modelChecks } from "./models.ts";
import { rateLimitChecks } from "./rate-limit.ts";
import { sseChecks } from "./sse.ts";
import { streamUsageChecks } from "./stream-usage.ts";
import { tooLongChecks } from "./too-long.ts";
import { upstreamHabitChecks } from "./upstream-habits.ts";
import { upstreamChecks } from "./upstreams.ts";

export const checks: readonly Check[] = [
  ...modelChecks,
  ...chatCompletionChecks,
  ...chatRequestChecks,
  ...chatRefusalChecks,
  ...chatLimitChecks,
  ...chatLogprobChecks,
  ...chatSamplingChecks,
  ...chatStreamChecks,
  ...chatStreamBehaviourChecks,
  ...chatToolChoiceChecks,
  ...chatToolCallChecks,
  ...chatToolStreamChecks,
  ...chatToolTurnChecks,
  ...chatToolCustomChecks,
  ...chatToolExtraChecks,
  ...chatToolSchemaChecks,
  ...chatFormatChecks,
  ...chatFormatSchemaChecks,
  ...chatFormRefusalChecks,
  ...chatMediaChecks,
  ...sseChecks,
  ...completionChecks,
  ...completionPromptChecks,
  ...completionLimitChecks,
  ...completionLogprobChecks,
  ...completionRefusalChecks,
  ...completionStreamChecks,
  ...streamUsageChecks,
  ...lengthAtLimitChecks,
  ...tooLongChecks,
  ...embeddingChecks,
  ...authChecks,
  ...rateLimitChecks,
  ...errorChecks,
  ...halfSurrogateChecks,
  ...documentedPathChecks,
  ...httpChecks,
  ...httpCorsChecks,
  ...billingChecks,
  ...limitChecks,
  ...fairnessChecks,
  ...upstreamChecks,
  ...upstreamHabitChecks,
];
