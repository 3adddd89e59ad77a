/** Who may open a session, in each way of sending a credential; what a session costs; and how an upgrade is refused. */

import { makeRefusal, type Refusal } from "../../refusal.ts";
import type { RealtimeWire } from "../../realtime/realtime-wire.ts";
import type { CredentialVerdict } from "../../tokens.ts";
import { HEADER_ONLY, type Transport, transportOf, TRANSPORTS } from "../../mutants/realtime/mutate-realtime.ts";
import { CREDENTIALS } from "../access-faults.ts";
import type { Fault } from "../fault.ts";
import { defineRealtimeFault } from "./realtime-fault.ts";

export function listRealtimeCredentialFaults(): readonly Fault[] {
  return TRANSPORTS.flatMap((transport) =>
    CREDENTIALS.filter((verdict) => isSent(transport, verdict)).flatMap((verdict) => {
      const other = makeRefusal(verdict === "no-capability" ? "unauthenticated" : "capability_missing");
      const outcomes: Readonly<Record<string, Refusal | null>> = {
        accepted: null,
        [`answered-${other.status}`]: other,
        "answered-400": makeRefusal("invalid_value"),
        "answered-500": { ...makeRefusal("upstream_failed"), status: 500, code: "internal_error" },
      };
      return Object.entries(outcomes).map(([name, refusal]) =>
        defineRealtimeFault(
          {
            id: `credential.${transport}.${verdict}.${name}`,
            description: `a credential that is ${verdict}, by ${transport}: ${name}`,
            operator: `credential ${name}`,
          },
          ({ admit }) => ({
            admit: (given, upgrade) =>
              given === verdict && transportOf(upgrade) === transport ? refusal : admit(given, upgrade),
          }),
        ),
      );
    }),
  );
}

/** A client secret that is right opens a session; what is wrong with another one is one of the other verdicts. */
function isSent(transport: Transport, verdict: CredentialVerdict): boolean {
  return verdict !== "client-secret" && (transport === "header" || !HEADER_ONLY.includes(verdict));
}

const LIMITS: Readonly<Record<string, (wire: RealtimeWire) => Partial<RealtimeWire>>> = {
  "credits.escaped": () => ({ isFree: () => true }),
  "charge.escaped": () => ({ costOf: () => 0 }),
  "rate.escaped": () => ({ isLimited: () => false }),
};

export function listRealtimeLimitFaults(): readonly Fault[] {
  return Object.entries(LIMITS).map(([name, change]) =>
    defineRealtimeFault(
      { id: `limit.${name}`, description: `sessions escape a limit: ${name}`, operator: "limit" },
      change,
    ),
  );
}
