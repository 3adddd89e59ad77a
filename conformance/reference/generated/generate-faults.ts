/** All generated faults: every operator at every place of the specification and of the reference's wire. */

import { listAccessFaults } from "./access-faults.ts";
import { listConversationFaults } from "./conversation-faults.ts";
import { listEventFaults } from "./event-faults.ts";
import type { Fault } from "./fault.ts";
import { listFieldFaults } from "./field-faults.ts";
import { listFramingFaults } from "./framing-faults.ts";
import { listHeaderFaults } from "./header-faults.ts";
import { listParameterFaults } from "./parameter-faults.ts";
import { listQueryFaults } from "./query-faults.ts";
import { listRealtimeFaults } from "./realtime/index.ts";
import type { WireShape } from "./wire-shape.ts";

/** By their ids, which are unique. */
export function generateFaults(shape: WireShape): ReadonlyMap<string, Fault> {
  const faults = [
    ...listFieldFaults(shape),
    ...listEventFaults(shape),
    ...listFramingFaults(),
    ...listHeaderFaults(shape),
    ...listParameterFaults(),
    ...listQueryFaults(),
    ...listAccessFaults(),
    ...listConversationFaults(),
    ...listRealtimeFaults(shape),
  ];
  return new Map(faults.toSorted((one, other) => (one.id < other.id ? -1 : 1)).map((fault) => [fault.id, fault]));
}

/**
 * The same faults each time, spread over the operators and the operations: one of each group in turn.
 */
export function sampleFaults(faults: readonly Fault[], size: number): readonly Fault[] {
  const groups = Map.groupBy(faults, ({ operation, mode, operator }) => `${operator} ${operation} ${mode}`);
  const queues = spread([...groups.values()]).map((group) => spread(group));
  const longest = Math.max(0, ...queues.map(({ length }) => length));
  const rounds = Array.from({ length: longest }, (_, round) => queues.flatMap((queue) => queue[round] ?? []));
  return rounds.flat().slice(0, size);
}

/** In an order in which neighbours are far apart: steps of the golden ratio. */
function spread<T>(list: readonly T[]): readonly T[] {
  const golden = 0.618_033_988_75;
  return list
    .map((item, index) => ({ item, place: (index * golden) % 1 }))
    .toSorted((one, other) => one.place - other.place)
    .map(({ item }) => item);
}
