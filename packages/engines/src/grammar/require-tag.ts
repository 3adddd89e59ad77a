/** Alternatives with a discriminating tag that has a default: with the tag required, they are disjoint. */

import { isRecord } from "@openai-compat/core";
import { readMap, readNames } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";

/** @param options without references. @returns null where they have no tag. */
export function requireTag(options: readonly SchemaView[]): readonly SchemaView[] | null {
  const [first, ...others] = options.map((option) => listTags(option));
  const tag = [...(first ?? [])].find((name) => others.every((tags) => tags.has(name)));
  if (tag === undefined) return null;
  return options.map((option) => ({
    ...option,
    schema: { ...option.schema, required: [...new Set([...readNames(option, "required"), tag])] },
  }));
}

/** Members that have a list of values. */
function listTags(option: SchemaView): ReadonlySet<string> {
  const members = Object.entries(readMap(option, "properties") ?? {});
  return new Set(
    members.flatMap(([name, member]) =>
      isRecord(member) && (member["const"] !== undefined || Array.isArray(member["enum"])) ? [name] : [],
    ),
  );
}
