/** Each field of each answer: absent, null, of another type, another value of its type, or an earlier answer's. */

import type { Reply } from "../call.ts";
import type { ReferenceWire } from "../wire.ts";
import { createChange, fits, VALUE_OPERATORS, type ValueOperator } from "./change-value.ts";
import { changeBody, changeEvents, withData } from "./edit-reply.ts";
import { type Fault, modeOfReply, OPERATION_NAMES } from "./fault.ts";
import type { AnswerShape, PlaceShape, WireShape } from "./wire-shape.ts";

/** In a stream: all events of a kind, or one of many. */
type Scope = "all" | "one";

export function listFieldFaults({ answers }: WireShape): readonly Fault[] {
  return answers.flatMap((answer) => {
    const scopes: readonly Scope[] = answer.repeats ? ["all", "one"] : ["all"];
    return answer.places.flatMap((place) =>
      VALUE_OPERATORS.filter((operator) => fits(place, operator)).flatMap((operator) =>
        scopes.map((scope) => defineFieldFault(answer, place, { operator, scope })),
      ),
    );
  });
}

function defineFieldFault(
  { operation, mode, kind }: AnswerShape,
  { path }: PlaceShape,
  { operator, scope }: { operator: ValueOperator; scope: Scope },
): Fault {
  const scoped = scope === "one" ? ".one" : "";
  const place = kind === "" ? path : `${kind}:${path}`;
  const events = scope === "one" ? `in one ${kind} event` : `in ${kind} events`;
  return {
    id: `${OPERATION_NAMES[operation]}.${mode}.field.${place}.${operator}${scoped}`,
    description: `\`${path}\` ${DESCRIPTIONS[operator]}${kind === "" ? "" : ` ${events}`}`,
    operation,
    mode,
    operator: `field ${operator}`,
    mutate: () => {
      const change = createChange(path, operator);
      const reply: ReferenceWire["reply"] = (given, call) => {
        if (call.operation !== operation || modeOfReply(given) !== mode) return given;
        return kind === "" ? changeBody(given, change) : changeKind(given, { kind, scope, change });
      };
      return { reply };
    },
  };
}

const DESCRIPTIONS: Readonly<Record<ValueOperator, string>> = {
  absent: "is absent",
  null: "is null",
  type: "has another type",
  value: "has another value",
  earlier: "is that of an earlier answer",
};

interface KindChange {
  readonly kind: string;
  readonly scope: Scope;
  readonly change: (data: unknown) => unknown;
}

function changeKind(given: Reply, { kind, scope, change }: KindChange): Reply {
  return changeEvents(given, (events) => {
    const places = [...events.keys()].filter((index) => events[index]?.kind === kind);
    // Not the first: one that differs from those before it.
    const chosen = scope === "one" ? places.slice(places.length >> 1).slice(0, 1) : places;
    return events.map((event, index) => (chosen.includes(index) ? withData(event, change(event.data)) : event));
  });
}
