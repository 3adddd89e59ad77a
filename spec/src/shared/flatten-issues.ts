/**
 * Turns zod's issues into a flat list that a person can act on. A union reports the failures of each of its branches;
 * only those of the branch that came closest are kept.
 */
import type { z } from "zod";

/** Where a value is wrong, and how. */
export interface ShapeIssue {
  /** The place in the value, such as `choices[0].message.content`; empty for the value itself. */
  readonly path: string;
  /** The keys and indexes that `path` is made of. */
  readonly segments: readonly PropertyKey[];
  /** zod's code of the failure, such as `invalid_type` or `too_big`. */
  readonly code: z.core.$ZodIssue["code"];
  readonly message: string;
}

/** Writes a path the way OpenAI writes `param`: `messages[0].content[1].type`. */
export function encodePath(segments: readonly PropertyKey[]): string {
  return segments.reduce<string>((path, segment) => {
    if (typeof segment === "number") return `${path}[${segment}]`;
    return path === "" ? String(segment) : `${path}.${String(segment)}`;
  }, "");
}

/** The issues of a failed parse, those of unions replaced by the issues of their closest branch. */
export function flattenIssues(issues: readonly z.core.$ZodIssue[], prefix: readonly PropertyKey[] = []): ShapeIssue[] {
  return issues.flatMap((issue) => {
    const segments = [...prefix, ...issue.path];
    if (issue.code === "invalid_union" && issue.errors.length > 0) return closestBranch(issue.errors, segments);
    return [{ path: encodePath(segments), segments, code: issue.code, message: issue.message }];
  });
}

/**
 * The branch that matched deepest: a value that is an array with one bad part failed as an array, not as a string. At
 * equal depth a wrong value is closer than a wrong type. Equals are merged: each names one thing that would be right.
 */
function closestBranch(
  branches: readonly (readonly z.core.$ZodIssue[])[],
  prefix: readonly PropertyKey[],
): ShapeIssue[] {
  const flattened = branches.map((branch) => flattenIssues(branch, prefix));
  const closeness = flattened.map((issues) =>
    issues.reduce((least, issue) => Math.min(least, rateCloseness(issue)), Infinity),
  );
  const closest = Math.max(...closeness);
  return mergeByPath(flattened.filter((_, branch) => closeness[branch] === closest).flat());
}

function rateCloseness(issue: ShapeIssue): number {
  return issue.segments.length + (issue.code === "invalid_type" ? 0 : 0.5);
}

function mergeByPath(issues: readonly ShapeIssue[]): ShapeIssue[] {
  const byPath = new Map<string, ShapeIssue>();
  for (const issue of issues) {
    const earlier = byPath.get(issue.path);
    if (earlier === undefined) byPath.set(issue.path, issue);
    else if (earlier.message !== issue.message) {
      byPath.set(issue.path, { ...earlier, message: `${earlier.message}; or ${issue.message}` });
    }
  }
  return [...byPath.values()];
}
