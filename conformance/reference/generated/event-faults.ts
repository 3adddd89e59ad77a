/** Each event of each stream: dropped, doubled, swapped with the next one, or late. */

import { changeEvents, type WrittenEvent } from "./edit-reply.ts";
import { type Fault, modeOfReply, OPERATION_NAMES } from "./fault.ts";
import type { AnswerShape, WireShape } from "./wire-shape.ts";

type Events = readonly WrittenEvent[];

const OPERATORS: Readonly<Record<string, (events: Events, at: number) => Events>> = {
  dropped: (events, at) => events.toSpliced(at, 1),
  doubled: (events, at) => events.toSpliced(at, 0, ...events.slice(at, at + 1)),
  swapped: (events, at) => events.toSpliced(at, 2, ...events.slice(at, at + 2).toReversed()),
  late: (events, at) => [...events.toSpliced(at, 1), ...events.slice(at, at + 1)],
};

/** Nothing comes after these, so that they are neither late nor swapped. */
const LAST = /^(?:done|error|response\.(?:completed|incomplete|failed))$/;

export function listEventFaults({ answers }: WireShape): readonly Fault[] {
  return answers
    .filter(({ mode }) => mode === "stream")
    .flatMap((answer) =>
      Object.entries(OPERATORS).flatMap(([name, change]) =>
        LAST.test(answer.kind) && ["swapped", "late"].includes(name)
          ? []
          : (answer.repeats ? (["first", "middle", "last"] as const) : (["first"] as const)).map((which) =>
              defineEventFault(answer, { name, change, which }),
            ),
      ),
    );
}

interface EventOperator {
  readonly name: string;
  readonly change: (events: Events, at: number) => Events;
  readonly which: "first" | "middle" | "last";
}

function defineEventFault({ operation, kind, repeats }: AnswerShape, { name, change, which }: EventOperator): Fault {
  return {
    id: `${OPERATION_NAMES[operation]}.stream.event.${kind}.${repeats ? `${which}.` : ""}${name}`,
    description: `the ${repeats ? `${which} ` : ""}${kind} event of a stream is ${name}`,
    operation,
    mode: "stream",
    operator: `event ${name}`,
    mutate: () => ({
      reply: (given, call) => {
        if (call.operation !== operation || modeOfReply(given) !== "stream") return given;
        return changeEvents(given, (events) => {
          const places = [...events.keys()].filter((index) => events[index]?.kind === kind);
          const at = { first: places[0], middle: places[places.length >> 1], last: places.at(-1) }[which];
          return at === undefined ? events : change(events, at);
        });
      },
    }),
  };
}
