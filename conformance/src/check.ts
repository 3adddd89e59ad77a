/**
 * What a check is: a record that says what must hold, why, and who breaks when it doesn't, and a function that tries
 * one behaviour. The runner owns everything else: keys, clients, recording, time limits, outcomes.
 */

import type { OperationId } from "@openai-compat/spec";
import type { CheckContext } from "./check-context.ts";
import type { SdkFeature } from "./official-sdk.ts";
import type { FixtureName, KeyName, ModelRole } from "./target.ts";

/**
 * must: a mainstream client breaks, the answer is not what the specification demands, or secrets and doors stand open.
 * should: a client is degraded, or a mistake goes unnoticed. may: reported only.
 */
export type Level = "must" | "should" | "may";

/**
 * protocol: holds whatever the model says. forced: the server constrains the output. model: needs ability, so it can be
 * inconclusive but never fail.
 */
export type Tier = "protocol" | "forced" | "model";

/**
 * What the target, or the official SDK of the run, has to offer before a check can say anything. A missing one makes the
 * check not-testable.
 */
export type Need = `key:${KeyName}` | `model:${ModelRole}` | `fixture:${FixtureName}` | `sdk:${SdkFeature}` | "jwt";

/**
 * Report areas: one verdict line each. `isPrepared`: what only a prepared account or model can show, or not every server
 * has; such checks may be not-testable without keeping a run from being a proof.
 */
export const AREAS = {
  models: { isPrepared: false },
  chat: { isPrepared: false },
  completions: { isPrepared: true },
  embeddings: { isPrepared: true },
  responses: { isPrepared: true },
  audio: { isPrepared: true },
  realtime: { isPrepared: true },
  sse: { isPrepared: false },
  auth: { isPrepared: true },
  errors: { isPrepared: false },
  http: { isPrepared: false },
  billing: { isPrepared: true },
  limits: { isPrepared: true },
  upstreams: { isPrepared: true },
} as const;

export type Area = keyof typeof AREAS;

export interface Check {
  /** Permanent dotted id, `chat.stream.done-sentinel`; listed in `ids.txt`, never reused. */
  readonly id: string;
  readonly area: Area;
  readonly level: Level;
  readonly tier: Tier;
  /** One sentence: what the server has to do. */
  readonly requirement: string;
  /** The rule's source: OpenAPI operation or schema, SDK file, RFC section or public issue. */
  readonly reference: string;
  /** Which client breaks, and how, when the requirement is not met. */
  readonly breaks: string;
  readonly operation: OperationId | null;
  readonly needs: readonly Need[];
  /**
   * Whether it may look at what another check was answered to the same request. Not for what depends on when a request
   * is sent: what it changes, what it costs, how long it takes, who else asks. Default false.
   */
  readonly sharesAnswers?: boolean;
  /**
   * Whether it may run while other checks run. Not for what measures time, limits, credits, or what all callers see.
   * Default: `sharesAnswers`.
   */
  readonly isIndependent?: boolean;
  run(context: CheckContext): Promise<void>;
}

export function defineCheck(check: Check): Check {
  return check;
}
