/** What the generated faults of realtime connections are made with. */

import type { RealtimeWire } from "../../realtime/realtime-wire.ts";
import type { Step } from "../../realtime/session.ts";
import type { Fault } from "../fault.ts";

interface Naming {
  /** Below `realtime.`. */
  readonly id: string;
  readonly description: string;
  readonly operator: string;
  readonly isRefusal?: boolean;
}

export function defineRealtimeFault(
  { id, operator, ...naming }: Naming,
  change: (wire: RealtimeWire) => Partial<RealtimeWire>,
): Fault {
  return {
    ...naming,
    id: `realtime.${id}`,
    operation: null,
    mode: "any",
    operator: `realtime ${operator}`,
    mutate: ({ realtime }) => ({ realtime: { ...realtime, ...change(realtime) } }),
  };
}

/** The code of a server whose handler has thrown. */
export const BROKEN_CLOSE = { code: 1011, reason: "internal error" };

/** The end of the connection without a close frame. @throws always: the reference destroys the socket then */
export function breakConnection(): never {
  throw new Error("The session has broken.");
}

export function closeWith(step: Step): Step {
  return { ...step, events: [], close: BROKEN_CLOSE };
}
