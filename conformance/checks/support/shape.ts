/** The shapes of the specification, without the fields that a check of their own judges. */

import { validateShape } from "@openai-compat/spec";
import type { z } from "zod";
import { Failure } from "../../src/outcome-signals.ts";

/** Judges a value by its schema, all issues at once. `ownedElsewhere` matches paths such as `choices[0].index`. */
export function expectRestOfShape(value: unknown, schema: z.ZodType, ownedByOtherChecks: RegExp): void {
  const issues = validateShape(schema, value).filter(({ path }) => !ownedByOtherChecks.test(path));
  if (issues.length === 0) return;
  throw new Failure({
    observer: "schema",
    expected: "the shape in the specification",
    actual: issues.map(({ path, message }) => `${path}: ${message}`).join("; "),
  });
}
