/** Pages of what a server keeps: what a query asks for, and what is wrong with the page that answers it. */

import type { JsonObject } from "../../src/expect.ts";
import { type Flaw, must, objectsOf } from "./flaws.ts";

export type Order = "asc" | "desc";

/** The elements that a query asks for. A number in `after` is a place in the list, the oldest first. */
export function cutPage<T>(list: readonly T[], { limit, order, after }: JsonObject, usual: Order) {
  const isNewestFirst = (order ?? usual) === "desc";
  const ordered = isNewestFirst ? list.toReversed() : list;
  const start = typeof after === "number" ? (isNewestFirst ? list.length - after : after + 1) : 0;
  const end = typeof limit === "number" ? start + limit : list.length;
  return { page: ordered.slice(start, end), hasMore: ordered.length > end };
}

/** What every page says of itself. */
export function listPageFlaws(body: JsonObject, hasMore: boolean): readonly Flaw[] {
  const { object, data, first_id: first, last_id: last, has_more: more } = body;
  const ids = objectsOf(data).map(({ id }) => id);
  return [
    ...must(object === "list", "the object list", object),
    ...must(more === hasMore, `has_more: ${String(hasMore)}`, more),
    ...must(first === (ids[0] ?? null), "first_id that is the id of the first", { first, ids }),
    ...must(last === (ids.at(-1) ?? null), "last_id that is the id of the last", { last, ids }),
    ...must(new Set(ids).size === ids.length && ids.every(isId), "an id of its own for each", ids),
  ];
}

export function isId(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

/** A number in `after` stands for an id of the list. */
export function composeQuery(
  fields: JsonObject,
  ids: readonly unknown[],
  fixed: Readonly<Record<string, string>> = {},
): string {
  const query = new URLSearchParams(fixed);
  for (const [name, value] of Object.entries(fields)) {
    const id = name === "after" && typeof value === "number" ? ids[value] : undefined;
    query.set(name, String(id ?? value));
  }
  return query.size === 0 ? "" : `?${query.toString()}`;
}
