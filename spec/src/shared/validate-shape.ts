/**
 * Judges a value against a schema the way a lenient client does: `null` in an optional field counts as absent. Real
 * OpenAI bodies hold such nulls where OpenAI's own document allows none. It never changes the value it is given.
 */
import type { z } from "zod";
import { flattenIssues, type ShapeIssue } from "./flatten-issues.ts";

/** The most parses that one validation may cost. Each parse but the first follows the removal of some `null`. */
export const VALIDATION_PARSES_MAX = 64;

/**
 * The ways in which `value` does not have the shape of `schema`; an empty list when it has.
 *
 * `null` is ignored where the schema lets a key be absent. In a required key and in an array it is judged as it is.
 */
export function validateShape(schema: z.ZodType, value: unknown): ShapeIssue[] {
  return search({ schema, parsesLeft: VALIDATION_PARSES_MAX }, value);
}

interface Search {
  readonly schema: z.ZodType;
  parsesLeft: number;
}

/**
 * Parses; on failure tries again without the nulls that were refused. Where no try succeeds, the one that left the
 * fewest issues is the verdict, in the words of the first parse: "received null" says more than "received undefined".
 */
function search(state: Search, value: unknown): ShapeIssue[] {
  state.parsesLeft -= 1;
  const result = state.schema.safeParse(value);
  if (result.success) return [];

  const verdict = flattenIssues(result.error.issues);
  let fewest: ShapeIssue[] | null = null;
  for (const paths of collectNullPaths(result.error.issues, value)) {
    if (state.parsesLeft <= 0) break;
    const remaining = search(state, withoutPaths(value, paths));
    if (remaining.length === 0) return [];
    if (fewest === null || remaining.length < fewest.length) fewest = remaining;
  }
  return fewest?.map((issue) => verdict.find((first) => first.path === issue.path) ?? issue) ?? verdict;
}

type Path = readonly PropertyKey[];

/**
 * Sets of refused nulls, each of which might be all that is wrong. Nulls refused outside of unions are in every set; a
 * union adds one set per branch, because what one branch refuses another may need.
 */
function collectNullPaths(issues: readonly z.core.$ZodIssue[], value: unknown, prefix: Path = []): Path[][] {
  let alternatives: Path[][] = [[]];
  for (const issue of issues) {
    const path = [...prefix, ...issue.path];
    if (issue.code === "invalid_union" && issue.errors.length > 0) {
      const branches = issue.errors.flatMap((branch) => collectNullPaths(branch, value, path));
      if (alternatives.length * branches.length > VALIDATION_PARSES_MAX) continue;
      if (branches.length > 0) {
        alternatives = alternatives.flatMap((chosen) => branches.map((branch) => chosen.concat(branch)));
      }
    }
    if (isNullProperty(value, path)) alternatives = alternatives.map((chosen) => chosen.concat([path]));
  }
  return alternatives.filter((paths) => paths.length > 0);
}

function isNullProperty(value: unknown, path: Path): boolean {
  if (path.length === 0) return false;
  const parent = path.slice(0, -1).reduce<unknown>((node, segment) => readProperty(node, segment), value);
  return !Array.isArray(parent) && readProperty(parent, path[path.length - 1] ?? "") === null;
}

function readProperty(node: unknown, segment: PropertyKey): unknown {
  return typeof node === "object" && node !== null ? Reflect.get(node, segment) : undefined;
}

/** A copy of `value` without the properties at `paths`; what lies beside them is shared, not copied. */
function withoutPaths(value: unknown, paths: readonly Path[]): unknown {
  return paths.reduce<unknown>((copy, path) => withoutPath(copy, path), value);
}

function withoutPath(node: unknown, path: Path): unknown {
  const [segment, ...rest] = path;
  if (segment === undefined || typeof node !== "object" || node === null || !Object.hasOwn(node, segment)) return node;
  const copy: object = Array.isArray(node) ? [...node] : { ...node };
  if (rest.length === 0) Reflect.deleteProperty(copy, segment);
  else Reflect.set(copy, segment, withoutPath(readProperty(node, segment), rest));
  return copy;
}
