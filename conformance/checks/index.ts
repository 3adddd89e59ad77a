/** Every check of the suite, in the order in which it runs: cheap ones and what others build on come first. */

import type { Check } from "../src/check.ts";
import { authChecks } from "./auth.ts";
import { billingChecks } from "./billing.ts";
import { chatCompletionChecks } from "./chat-completion.ts";
import { chatLimitChecks } from "./chat-limits.ts";
import { chatRefusalChecks } from "./chat-refusals.ts";
import { chatRequestChecks } from "./chat-requests.ts";
import { chatStreamBehaviourChecks } from "./chat-stream-behaviour.ts";
import { chatStreamChecks } from "./chat-stream.ts";
import { embeddingChecks } from "./embeddings.ts";
import { errorChecks } from "./errors.ts";
import { httpChecks } from "./http.ts";
import { limitChecks } from "./limits.ts";
import { modelChecks } from "./models.ts";
import { rateLimitChecks } from "./rate-limit.ts";
import { sseChecks } from "./sse.ts";
import { upstreamChecks } from "./upstreams.ts";

export const checks: readonly Check[] = [
  ...modelChecks,
  ...chatCompletionChecks,
  ...chatRequestChecks,
  ...chatRefusalChecks,
  ...chatLimitChecks,
  ...chatStreamChecks,
  ...chatStreamBehaviourChecks,
  ...sseChecks,
  ...embeddingChecks,
  ...authChecks,
  ...rateLimitChecks,
  ...errorChecks,
  ...httpChecks,
  ...billingChecks,
  ...limitChecks,
  ...upstreamChecks,
];
