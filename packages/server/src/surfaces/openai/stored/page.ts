/** Pages of stored objects, as the SDK's cursor pages read them. */

import { AiError, createWorkSlices, stringifyInSlices } from "@openai-compat/core";
import type { AuthorisedCall, Page, PageOutcome, PageRequest, StoredItem } from "@openai-compat/core";
import { PAGE_LIMIT_DEFAULT } from "@openai-compat/spec";
import { JSON_HEADERS } from "../print-json.ts";
import type { ResponseSettings } from "../responses/settings.ts";

export interface PageQuery {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly order?: PageRequest["order"] | undefined;
}

interface PageDefaults {
  /** Where the query names none. */
  readonly order: PageRequest["order"];
  readonly settings: Pick<ResponseSettings, "pageBytesMax">;
}

type BoundedPage = PageRequest & Required<Pick<PageRequest, "bytesMax">>;

export function resolvePage({ after, limit, order }: PageQuery, defaults: PageDefaults): BoundedPage {
  return {
    after: after ?? null,
    limit: limit ?? PAGE_LIMIT_DEFAULT,
    bytesMax: defaults.settings.pageBytesMax,
    order: order ?? defaults.order,
  };
}

/** Of a list that is at hand as a whole, the oldest first. @throws the signal's reason */
export async function cutPage(
  list: readonly StoredItem[],
  { after, limit, bytesMax, order }: BoundedPage,
  { signal }: Pick<AuthorisedCall, "signal">,
): Promise<PageOutcome<StoredItem>> {
  const ordered = order === "asc" ? list : list.toReversed();
  const from = after === null ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== null && from === 0) return "unknown_cursor";
  const slices = createWorkSlices({ signal });
  const data: StoredItem[] = [];
  let bytes = 0;
  for (const element of ordered.slice(from, from + limit)) {
    bytes += Buffer.byteLength(await stringifyInSlices(element.item, slices));
    if (data.length > 0 && bytes > bytesMax) break;
    data.push(element);
  }
  return { data, hasMore: ordered.length > from + data.length };
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
