/** The steps that each call of an operation takes before it is answered; the first refusal ends it. */

import type { HttpOperationId } from "@openai-compat/spec";
import type { RateFacts } from "./accounts.ts";
import type { ReferenceCall } from "./call.ts";
import type { Fields } from "./operations/operation.ts";
import { SLOW_MODELS } from "./models.ts";
import { makeRefusal, type Refusal } from "./refusal.ts";
import { readCredential } from "./tokens.ts";
import type { ReferenceWire, Step } from "./wire.ts";

/** What is known of a call, and what it holds. */
export interface RequestState {
  readonly call: ReferenceCall;
  readonly operation: HttpOperationId;
  account: string;
  request: Fields;
  rate: RateFacts | undefined;
  /** The model that it waits for, if that is a slow one. */
  slowModel: string | undefined;
  hasSlot: boolean;
}

export function startRequest(call: ReferenceCall, operation: HttpOperationId): RequestState {
  return { call, operation, account: "", request: {}, rate: undefined, slowModel: undefined, hasSlot: false };
}

export const STEPS: Readonly<Record<Step, (state: RequestState, wire: ReferenceWire) => Refusal | null>> = {
  authenticate: (state, wire) => {
    const { verdict, account } = readCredential(state.call.headers.authorization, wire.scheme);
    state.account = account;
    return wire.admit(verdict, state.call);
  },
  decode: (state, wire) => {
    const decoded = wire.operations[state.operation].decode(state.call, wire);
    if ("refusal" in decoded) return decoded.refusal;
    state.request = decoded.fields;
    return null;
  },
  validate: (state, wire) => wire.operations[state.operation].validate(state.request),
  resolve: (state, wire) => {
    const operation = wire.operations[state.operation];
    if (operation.serves === undefined) return null;
    const model = wire.models.find(({ id }) => id === state.request["model"]);
    const isServed = model !== undefined && operation.serves(model);
    if (isServed) return null;
    return { ...makeRefusal("model_not_found", { param: "model" }), status: operation.unknownModelStatus ?? 404 };
  },
  limit: (state, wire) => {
    if (!wire.constrains("limit", state)) return null;
    state.rate = wire.limiter(state.account);
    return state.rate.allowed ? null : makeRefusal("rate_limited");
  },
  pay: (state, wire) => {
    if (!wire.constrains("credits", state)) return null;
    const most = wire.operations[state.operation].estimate(state.request);
    return wire.ledger.covers(state.account, most) ? null : makeRefusal("quota_exceeded");
  },
  slot: (state, wire) => {
    state.slowModel = Object.values(SLOW_MODELS).find((model) => model === state.request["model"]);
    if (state.slowModel === undefined || !wire.constrains("slot", state)) return null;
    state.hasSlot = wire.slots.take(state.slowModel);
    return state.hasSlot ? null : makeRefusal("overloaded");
  },
};
