/** Pages of what the reference server has stored, and what is asked for in a query. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import type { ReferenceCall } from "../call.ts";
import type { Fields } from "./operation.ts";

const LONGEST_PAGE = 100;
const DEFAULT_LIMIT = 20;

/** The parameters of a query; `name[key]=value` is a member of `name`, and `name[]=value` an element. */
export function decodeQuery({ query }: ReferenceCall): Fields {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const [, member, key] = /^(\w+)\[(\w*)\]$/.exec(name) ?? [];
    const known = member === undefined ? undefined : fields[member];
    if (member === undefined || key === undefined) fields[name] = value;
    else if (key === "") fields[member] = [...(Array.isArray(known) ? known : []), value];
    else fields[member] = { ...(isJsonObject(known) ? known : {}), [key]: value };
  }
  return fields;
}

/** The segments of a path that stand for parameters. */
export function decodePath({ path }: ReferenceCall, names: readonly string[]): Fields {
  const segments = path.split("/").slice(1).map(decodeURIComponent);
  return Object.fromEntries(names.flatMap((name, index) => (name === "" ? [] : [[name, segments[index]]])));
}

export function refusePage({ limit = String(DEFAULT_LIMIT), order = "asc" }: Fields): Refusal | null {
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > LONGEST_PAGE)
    return makeRefusal("invalid_value", { param: "limit" });
  return order === "asc" || order === "desc" ? null : makeRefusal("invalid_value", { param: "order" });
}

export interface ReferencePage {
  readonly data: readonly JsonObject[];
  readonly hasMore: boolean;
}

/** @param list the oldest first */
export function cutPage(
  list: readonly JsonObject[],
  { limit = DEFAULT_LIMIT, order, after }: Fields,
  defaultOrder: "asc" | "desc",
): ReferencePage | Refusal {
  const ordered = (order ?? defaultOrder) === "asc" ? list : list.toReversed();
  const from = after === undefined ? 0 : ordered.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && from === 0) return makeRefusal("invalid_value", { param: "after" });
  const end = from + Number(limit);
  return { data: ordered.slice(from, end), hasMore: ordered.length > end };
}

export function encodePage({ data, hasMore }: ReferencePage): JsonObject {
  return {
    object: "list",
    data,
    first_id: data[0]?.["id"] ?? null,
    last_id: data.at(-1)?.["id"] ?? null,
    has_more: hasMore,
  };
}
