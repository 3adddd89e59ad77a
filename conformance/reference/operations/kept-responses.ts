/** Responses that the reference server keeps, as long as the process lives, and what is done with them by their id. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { type Background, cancelBackground, pollBackground } from "./background.ts";
import type { Answer, Fields, ReferenceOperation } from "./operation.ts";
import { cutPage, decodePath, decodeQuery, encodePage, refusePage } from "./pages.ts";

export interface KeptResponse {
  readonly response: JsonObject;
  readonly isStreamed: boolean;
  /** Null unless it was made in the background. */
  readonly background: Background | null;
  /** Of its stream. */
  readonly events: readonly JsonObject[];
  /** What was said and answered up to it. */
  readonly items: readonly JsonObject[];
  /** Of its request alone, each with an id. */
  readonly input: readonly JsonObject[];
}

/** By account and id. */
const kept = new Map<string, KeptResponse>();

export function keepResponse(account: string, id: string, response: KeptResponse): void {
  kept.set(`${account} ${id}`, response);
}

export function findKept(account: string, id: unknown): KeptResponse | undefined {
  return kept.get(`${account} ${String(id)}`);
}

/** Of all responses of an account, what was said and answered in their own turns. */
export function findKeptItem(account: string, id: unknown): JsonObject | undefined {
  const own = [...kept].filter(([key]) => key.startsWith(`${account} `));
  const items = own.flatMap(([, { input, response }]) => [
    ...input,
    ...[response["output"]].flat().filter(isJsonObject),
  ]);
  return items.find((item) => item["id"] === id);
}

export interface KeptAnswer extends Answer {
  readonly response: JsonObject;
  /** Those that are asked for. */
  readonly events: readonly JsonObject[];
}

const SEGMENTS = ["", "response_id"];

/** What the operations on one response have in common. */
function define(
  answer: (kept: KeptResponse, request: Fields, account: string) => JsonObject | Refusal,
  rest: Partial<ReferenceOperation<KeptAnswer>> = {},
): ReferenceOperation<KeptAnswer> {
  return {
    isBilled: false,
    decode: (call) => ({ fields: { ...decodeQuery(call), ...decodePath(call, SEGMENTS) } }),
    validate: () => null,
    estimate: () => 0,
    answer(request, { account }) {
      const found = findKept(account, request["response_id"]);
      if (found === undefined) return makeRefusal("not_found", { param: "response_id" });
      const response = answer(found, request, account);
      if (isRefused(response)) return response;
      const events = found.events.slice(Number(request["starting_after"] ?? -1) + 1);
      const asked = { ...request, stream: request["stream"] === "true" };
      return { request: asked, cost: 0, breaksAfter: null, response, events };
    },
    encode: ({ response }) => response,
    ...rest,
  };
}

function isRefused(value: JsonObject | Refusal): value is Refusal {
  return "headers" in value && "status" in value;
}

export const getResponse = define(
  ({ response, background }, { stream }) => {
    if (stream === "true" && background === null) return makeRefusal("invalid_value", { param: "stream" });
    return background === null || stream === "true" ? response : pollBackground(background, response);
  },
  {
    hasNamedEvents: true,
    encodeStream: ({ events }) => events,
  },
);

export const cancelResponse = define(({ response, background }) =>
  background === null ? makeRefusal("invalid_value", { param: "response_id" }) : cancelBackground(background, response),
);

export const deleteResponse = define((_, { response_id: id }, account) => {
  kept.delete(`${account} ${String(id)}`);
  return { id, object: "response", deleted: true };
});

export const listInputItems = define(
  ({ input }, request) => {
    const page = cutPage(input, request, "desc");
    return "status" in page ? page : encodePage(page);
  },
  { validate: refusePage },
);
