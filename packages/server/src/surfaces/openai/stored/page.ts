/** Pages of stored objects, as the SDK's cursor pages read them. */

import { AiError, createWorkSlices, stringifyInSlices } from "@openai-compat/core";
import type { AuthorisedCall, Page, PageOutcome, PageRequest } from "@openai-compat/core";
import { PAGE_LIMIT_DEFAULT } from "@openai-compat/spec";
import { JSON_HEADERS } from "../print-json.ts";

export interface PageQuery {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly order?: PageRequest["order"] | undefined;
}

/** @param order where the query names none */
export function resolvePage(query: PageQuery, order: PageRequest["order"]): PageRequest {
  return { after: query.after ?? null, limit: query.limit ?? PAGE_LIMIT_DEFAULT, order: query.order ?? order };
}

/** Of a list that is at hand as a whole, the oldest first. */
export function cutPage<Element extends { readonly id: string }>(
  list: readonly Element[],
  { after, limit, order }: PageRequest,
): PageOutcome<Element> {
  const ordered = order === "asc" ? list : list.toReversed();
  const from = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && from === 0) return "unknown_cursor";
  return { data: ordered.slice(from, from + limit), hasMore: ordered.length > from + limit };
}

/** @throws AiError `invalid_value` for a page after an element that is not there */
export function requirePage<Element>(outcome: PageOutcome<Element>, after: string | null): Page<Element> {
  if (outcome !== "unknown_cursor") return outcome;
  const message = `Invalid 'after': there is no element with the id '${(after ?? "").slice(0, SHOWN_ID_LENGTH)}'.`;
  throw new AiError("invalid_value", message, { param: "after" });
}

export function encodePage<Element extends { readonly id: string }>(data: readonly Element[], hasMore: boolean) {
  return {
    object: "list" as const,
    data: [...data],
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: hasMore,
  };
}

const SHOWN_ID_LENGTH = 100;

/** @param what such as "Conversation" */
export function notFound(what: string, id: string, param: string): AiError {
  return new AiError("not_found", `${what} with id '${id.slice(0, SHOWN_ID_LENGTH)}' not found.`, { param });
}

/** What an account has stored may be large. */
export async function respondInSlices(value: unknown, { signal }: AuthorisedCall): Promise<Response> {
  const body = await stringifyInSlices(value, createWorkSlices({ signal }));
  return new Response(body, { headers: JSON_HEADERS });
}
