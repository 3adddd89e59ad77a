/** Each field of each event: absent, null, of another type, another value of its type, or that of another event. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import { createChange, fits, VALUE_OPERATORS, type ValueOperator } from "../change-value.ts";
import type { Fault } from "../fault.ts";
import { changePlace } from "../paths.ts";
import type { EventShape, PlaceShape } from "../wire-shape.ts";
import { defineRealtimeFault } from "./realtime-fault.ts";

/** Names of ids: in each event the one that another item, session or event has. */
const ID = /(?:^|[._])id$/;

type EventChange = (event: JsonObject) => unknown;

export function listRealtimeFieldFaults(events: readonly EventShape[]): readonly Fault[] {
  return events.flatMap(({ type, repeats, places }) =>
    places.flatMap((place) => [
      ...VALUE_OPERATORS.filter((operator) => fits(place, operator)).map((operator) =>
        defineFieldFault({ type, path: place.path, operator }, () => createChange(place.path, operator)),
      ),
      ...(repeats ? listSingleFaults(type, place) : []),
      ...(ID.test(place.path) && place.varies
        ? [defineFieldFault({ type, path: place.path, operator: "of-another" }, () => createExchange(place.path))]
        : []),
    ]),
  );
}

/** One of several events of a turn: the second. */
function listSingleFaults(type: string, place: PlaceShape): readonly Fault[] {
  return (["absent", "null", "type", "value"] satisfies ValueOperator[])
    .filter((operator) => fits(place, operator))
    .map((operator) =>
      defineFieldFault({ type, path: place.path, operator, scope: ".one" }, () => {
        const change = createChange(place.path, operator);
        let seen = 0;
        return (event) => {
          seen += 1;
          return seen % 5 === 2 ? change(event) : event;
        };
      }),
    );
}

interface Naming {
  readonly type: string;
  readonly path: string;
  readonly operator: string;
  readonly scope?: string;
}

function defineFieldFault({ type, path, operator, scope = "" }: Naming, create: () => EventChange): Fault {
  return defineRealtimeFault(
    {
      id: `field.${type}:${path}.${operator}${scope}`,
      description: `\`${path}\` of ${scope === "" ? "each" : "one"} ${type} is ${operator}`,
      operator: `field ${operator}`,
    },
    ({ stamp }) => {
      const change = create();
      return {
        stamp: (event, place) => {
          const stamped = stamp(event, place);
          if (event.type !== type) return stamped;
          const changed = change(stamped);
          return isJsonObject(changed) ? changed : stamped;
        },
      };
    },
  );
}

/** Each value becomes the one that was new before it: all events of an item name the item before. */
function createExchange(path: string): EventChange {
  const before = new Map<unknown, unknown>();
  let latest: unknown;
  return (event) =>
    changePlace(event, path, (old) => {
      if (!before.has(old)) {
        before.set(old, latest ?? old);
        latest = old;
      }
      return before.get(old);
    });
}
