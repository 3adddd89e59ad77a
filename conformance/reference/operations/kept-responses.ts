/** Responses that the reference server keeps, as long as the process lives, and what is done with them by their id. */

import type { JsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import type { Answer, Fields, ReferenceOperation } from "./operation.ts";
import { decodePath, decodeQuery } from "./pages.ts";

export interface KeptResponse {
  readonly response: JsonObject;
  readonly isStreamed: boolean;
  /** What was said and answered up to it. */
  readonly items: readonly JsonObject[];
}

/** By account and id. */
const kept = new Map<string, KeptResponse>();

export function keepResponse(account: string, id: string, response: KeptResponse): void {
  kept.set(`${account} ${id}`, response);
}

export function findKept(account: string, id: unknown): KeptResponse | undefined {
  return kept.get(`${account} ${String(id)}`);
}

/** The items of all responses of an account. */
export function listKeptItems(account: string): readonly JsonObject[] {
  return [...kept].filter(([key]) => key.startsWith(`${account} `)).flatMap(([, { items }]) => items);
}

export interface KeptAnswer extends Answer {
  readonly response: JsonObject;
}

const SEGMENTS = ["", "response_id"];

/** What the operations on one response have in common. */
function define(answer: (kept: KeptResponse, request: Fields) => JsonObject | Refusal): ReferenceOperation<KeptAnswer> {
  return {
    isBilled: false,
    decode: (call) => ({ fields: { ...decodeQuery(call), ...decodePath(call, SEGMENTS) } }),
    validate: () => null,
    estimate: () => 0,
    answer(request, { account }) {
      const found = findKept(account, request["response_id"]);
      if (found === undefined) return makeRefusal("not_found", { param: "response_id" });
      const response = answer(found, request);
      return isRefused(response) ? response : { request, cost: 0, breaksAfter: null, response };
    },
    encode: ({ response }) => response,
  };
}

function isRefused(value: JsonObject | Refusal): value is Refusal {
  return "headers" in value;
}

export const getResponse = define(({ response }) => response);

/** It has ended: it does not run in the background. */
export const cancelResponse = define(() => makeRefusal("invalid_value", { param: "response_id" }));
