/** Each header of each kind of reply: absent, or of another value. */

import { withHeader, withoutHeader } from "../mutants/mutant.ts";
import { type Fault, modeOfReply, OPERATION_NAMES } from "./fault.ts";
import type { HeaderShape, WireShape } from "./wire-shape.ts";

/** Of their kind, and wrong. All others become `another`. */
const OTHER_VALUES: Readonly<Record<string, string>> = {
  "content-type": "text/html",
  "cache-control": "public, max-age=86400",
  "retry-after": "86400",
  "retry-after-ms": "86400000",
  "x-should-retry": "true",
};

export function listHeaderFaults({ headers }: WireShape): readonly Fault[] {
  return headers.flatMap((header) => [defineHeaderFault(header, "absent"), defineHeaderFault(header, "other")]);
}

function defineHeaderFault({ operation, mode, name }: HeaderShape, operator: "absent" | "other"): Fault {
  const value = OTHER_VALUES[name] ?? "another";
  return {
    id: `${OPERATION_NAMES[operation]}.${mode}.header.${name}.${operator}`,
    description: `the header ${name} is ${operator === "absent" ? "absent" : `"${value}"`}`,
    operation,
    mode,
    operator: `header ${operator}`,
    mutate: () => ({
      reply: (given, call) => {
        if (call.operation !== operation || modeOfReply(given) !== mode) return given;
        if (given.headers[name] === undefined || given.headers[name] === value) return given;
        return { ...given, ...(operator === "absent" ? withoutHeader(given, name) : withHeader(given, name, value)) };
      },
    }),
  };
}
