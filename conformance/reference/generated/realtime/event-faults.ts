/** Each event of a session: dropped, doubled, swapped with the next one, or late. */

import type { ServerEvent, Step } from "../../realtime/session.ts";
import type { Fault } from "../fault.ts";
import type { EventShape } from "../wire-shape.ts";
import { defineRealtimeFault } from "./realtime-fault.ts";

type Events = readonly ServerEvent[];

interface Changed {
  readonly now: Events;
  /** Waits for what the client's next message leads to. */
  readonly held: Events;
}

type Operator = (events: Events, at: number) => Changed;

const OPERATORS: Readonly<Record<string, Operator>> = {
  dropped: (events, at) => ({ now: events.toSpliced(at, 1), held: [] }),
  doubled: (events, at) => ({ now: events.toSpliced(at, 0, ...events.slice(at, at + 1)), held: [] }),
  swapped: (events, at) =>
    at + 1 < events.length
      ? { now: events.toSpliced(at, 2, ...events.slice(at, at + 2).toReversed()), held: [] }
      : { now: events.toSpliced(at, 1), held: events.slice(at) },
  late: (events, at) =>
    at + 1 < events.length
      ? { now: [...events.toSpliced(at, 1), ...events.slice(at, at + 1)], held: [] }
      : { now: events.toSpliced(at, 1), held: events.slice(at) },
};

export function listRealtimeEventFaults(events: readonly EventShape[]): readonly Fault[] {
  return events.flatMap(({ type, repeats }) =>
    Object.entries(OPERATORS).flatMap(([name, change]) =>
      (repeats ? (["first", "middle", "last"] as const) : (["first"] as const)).map((which) =>
        defineRealtimeFault(
          {
            id: `event.${type}.${repeats ? `${which}.` : ""}${name}`,
            description: `the ${repeats ? `${which} ` : ""}event ${type} is ${name}`,
            operator: `event ${name}`,
          },
          () => ({ step: createStep({ type, which, change }) }),
        ),
      ),
    ),
  );
}

interface Place {
  readonly type: string;
  readonly which: "first" | "middle" | "last";
  readonly change: Operator;
}

/** What is held waits for the next step of the same session. */
function createStep({ type, which, change }: Place): (step: Step) => Step {
  const waiting = new Map<number, Events>();
  return (step) => {
    const { number } = step.session;
    const held = waiting.get(number) ?? [];
    waiting.delete(number);
    const places = [...step.events.keys()].filter((index) => step.events[index]?.type === type);
    const at = { first: places[0], middle: places[places.length >> 1], last: places.at(-1) }[which];
    if (at === undefined) return held.length === 0 ? step : { ...step, events: [...step.events, ...held] };
    const changed = change(step.events, at);
    if (changed.held.length > 0) waiting.set(number, changed.held);
    return { ...step, events: [...changed.now, ...held] };
  };
}
