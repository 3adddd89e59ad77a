/** All generated faults of realtime connections. */

import type { Fault } from "../fault.ts";
import type { WireShape } from "../wire-shape.ts";
import { listRealtimeCredentialFaults, listRealtimeLimitFaults } from "./access-faults.ts";
import { listClientEventFaults, listUpdateParameterFaults, listUpdateRuleFaults } from "./client-faults.ts";
import { listRealtimeEventFaults } from "./event-faults.ts";
import { listRealtimeFieldFaults } from "./field-faults.ts";
import { listRealtimeFramingFaults } from "./framing-faults.ts";
import { listRealtimeUsageFaults } from "./usage-faults.ts";

export function listRealtimeFaults({ events }: WireShape): readonly Fault[] {
  return [
    ...listRealtimeEventFaults(events),
    ...listRealtimeFieldFaults(events),
    ...listClientEventFaults(),
    ...listUpdateRuleFaults(),
    ...listUpdateParameterFaults(),
    ...listRealtimeCredentialFaults(),
    ...listRealtimeLimitFaults(),
    ...listRealtimeFramingFaults(),
    ...listRealtimeUsageFaults(),
  ];
}
