/** The five ways in which a value of an answer can be wrong. */

import { ABSENT, changePlace } from "./paths.ts";
import type { PlaceShape } from "./wire-shape.ts";
import { typeOf } from "./wire-shape.ts";

export const VALUE_OPERATORS = ["absent", "null", "type", "value", "earlier"] as const;
export type ValueOperator = (typeof VALUE_OPERATORS)[number];

/** Whether the operator changes anything at such a place. */
export function fits({ path, types, varies, isEmpty }: PlaceShape, operator: ValueOperator): boolean {
  const isOnlyNull = types.length === 1 && types[0] === "null";
  if (operator === "absent") return !path.endsWith("[]");
  if (operator === "value") return !isOnlyNull && !isEmpty;
  if (operator === "null") return !isOnlyNull;
  return operator === "earlier" ? varies && !types.includes("object") : true;
}

/** A new change for each wire: it remembers the answer before. */
export function createChange(path: string, operator: ValueOperator): (value: unknown) => unknown {
  if (operator === "earlier") {
    let earlier: unknown;
    return (value) => {
      let current: unknown = ABSENT;
      const changed = changePlace(value, path, (old) => {
        if (current === ABSENT) current = old;
        return earlier === undefined || JSON.stringify(earlier) === JSON.stringify(old) ? old : earlier;
      });
      if (current !== ABSENT) earlier = current;
      return changed;
    };
  }
  const name = path.split(".").at(-1) ?? "";
  return (value) => changePlace(value, path, (old) => changeValue(old, operator, name));
}

function changeValue(old: unknown, operator: "absent" | "null" | "type" | "value", name: string): unknown {
  if (operator === "absent") return ABSENT;
  if (operator === "null") return null;
  return operator === "type" ? otherType(old) : otherValue(old, name);
}

function otherType(old: unknown): unknown {
  switch (typeOf(old)) {
    case "number":
      return String(old);
    case "boolean":
      return "yes";
    case "array":
    case "object":
      return "text";
    default:
      return 7;
  }
}

/** Unix times: one second more is no other time. */
const TIMES = /^(?:created|expires_at|created_at)$/;

function otherValue(old: unknown, name: string): unknown {
  if (typeof old === "string") return "another";
  if (typeof old === "number") return TIMES.test(name) ? 1 : old + 1;
  if (typeof old === "boolean") return !old;
  if (Array.isArray(old)) return old.length === 0 ? old : [];
  return old === null || Object.keys(old ?? {}).length === 0 ? old : {};
}
