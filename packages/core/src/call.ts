/**
 * The stages of a call as types: `AuthorisedCall → ResolvedCall → AdmittedCall`. Each is branded, and only the module
 * that owns a stage can make its output: the work of a call takes an `AdmittedCall`, and can't be reached around
 * authorisation or admission. What prepares it (`CallKind.prepare`) comes before: it may load a model and tokenise,
 * because only the tokens say what the call can cost.
 */

import type { AiErrorCode } from "./ai-error.ts";
import type { CallSlots } from "./admission/call-slots.ts";
import type { OnRateLimit } from "./admission/rate-limits.ts";
import type { Principal, RequiredCapability } from "./principal.ts";
import type { CallCheckpoint } from "./credits/call-checkpoint.ts";
import type { UsageMeter } from "./credits/usage-meter.ts";
import type { UsageUnits } from "./usage.ts";

declare const stage: unique symbol;

type Staged<Fields, Name extends string> = Readonly<Fields> & { readonly [stage]: Name };

/** What a call is for, on whatever surface it arrived. */
export interface CallOperation {
  /** As the specification names it, `createChatCompletion` for one. */
  readonly id: string;
  readonly capability: RequiredCapability;
}

interface CallFields {
  readonly operation: CallOperation;
  readonly principal: Principal;
  /** Of this call alone. */
  readonly callId: string;
  /** Of the request that carried the call. A caller may choose it and send it twice: nothing is keyed by it. */
  readonly requestId: string;
  /** Aborted when the client disconnects, a time limit passes or the server stops. */
  readonly signal: AbortSignal;
  /** Called with the account's rate-limit state, whether the call is allowed or refused. */
  readonly onRateLimit: OnRateLimit;
}

/**
 * The caller is known and may use the operation. Made by `authorise` alone, once for each call: a session authorises
 * each of its turns, so that every turn has an id of its own and an expired or revoked credential is noticed.
 */
export type AuthorisedCall = Staged<CallFields, "authorised">;

/** The model that will serve the call is known. Made by the pipeline's resolve stage alone. */
export type ResolvedCall<Model> = Staged<CallFields & { readonly model: Model }, "resolved">;

/**
 * Every limit has let the call pass, what it can cost is reserved, and a slot of its model is held. Made by the
 * pipeline's admit stage alone.
 */
export type AdmittedCall<Model> = Staged<
  CallFields & {
    readonly model: Model;
    /** Of the model. Work that is one generation or none needs no more than the slot that is held already. */
    readonly slots: CallSlots;
    /** Where the work says what it has used so far; what stands there when the call ends is paid for. */
    readonly meter: UsageMeter;
    /**
     * Holds credits for more than the estimate said, before the work uses it.
     *
     * @throws AiError `quota_exceeded`, `billing_unavailable`; what was held stays held
     */
    readonly extend: (more: UsageUnits) => Promise<void>;
    /** Aborts the call's signal: the consumer of the work's events takes no more of them. */
    readonly abandon: () => void;
    /** What has been used by now, and what is held for it: for a process that ends the call when this one is gone. */
    readonly checkpoint: () => CallCheckpoint;
    /** Resolves everything that admission took. Called once. */
    readonly settle: (outcome: CallOutcome) => Promise<void>;
  },
  "admitted"
>;

/** How an admitted call ended. */
export type CallOutcome = "completed" | "left" | AiErrorCode;
