/** Each credential and each limit, for each operation and mode: let in, or refused in another way. */

import { type HttpOperationId, listHttpOperations, operations } from "@openai-compat/spec";
import type { ReferenceCall } from "../call.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { REFERENCE_OPERATIONS } from "../operations/index.ts";
import type { CredentialVerdict } from "../tokens.ts";
import type { Constraint } from "../wire.ts";
import { type Fault, listModes, modeOfCall, modeOfFields, OPERATION_NAMES } from "./fault.ts";

export const CREDENTIALS: readonly Exclude<CredentialVerdict, "full">[] = [
  "missing",
  "malformed",
  "wrong-scheme",
  "unknown-key",
  "client-secret",
  "alg-none",
  "unsigned",
  "tampered",
  "wrong-issuer",
  "wrong-audience",
  "not-yet-valid",
  "expired",
  "no-capability",
];

const CONSTRAINTS: readonly Constraint[] = ["limit", "credits", "charge", "slot"];

export function listAccessFaults(): readonly Fault[] {
  return listHttpOperations(operations).flatMap(({ id }) =>
    listModes(id).flatMap((mode) => [
      ...CREDENTIALS.flatMap((verdict) => listCredentialFaults({ id, mode, verdict })),
      ...(REFERENCE_OPERATIONS[id].isBilled
        ? CONSTRAINTS.map((constraint) => defineLimitFault(id, mode, constraint))
        : []),
    ]),
  );
}

interface Place {
  readonly id: HttpOperationId;
  readonly mode: "body" | "stream";
  readonly verdict: Exclude<CredentialVerdict, "full">;
}

function listCredentialFaults(place: Place): readonly Fault[] {
  const { verdict } = place;
  const other = makeRefusal(verdict === "no-capability" ? "unauthenticated" : "capability_missing");
  return [
    defineCredentialFault(place, "accepted", () => null),
    defineCredentialFault(place, `answered-${other.status}`, () => other),
    defineCredentialFault(place, "answered-400", () => makeRefusal("invalid_value")),
  ];
}

function defineCredentialFault({ id, mode, verdict }: Place, operator: string, change: () => Refusal | null): Fault {
  return {
    id: `${OPERATION_NAMES[id]}.${mode}.credential.${verdict}.${operator}`,
    description: `a credential that is ${verdict}, for ${mode === "stream" ? "a stream" : "an answer"}: ${operator}`,
    operation: id,
    mode,
    operator: `credential ${operator}`,
    mutate: ({ admit, readsBodyFirst }) => ({
      // Whether it asks for a stream stands in the body.
      readsBodyFirst: (call: ReferenceCall) => readsBodyFirst(call) || (mode === "stream" && call.operation === id),
      admit: (given, call) =>
        call.operation === id && given === verdict && modeOfCall(call) === mode ? change() : admit(given, call),
    }),
  };
}

function defineLimitFault(id: HttpOperationId, mode: "body" | "stream", constraint: Constraint): Fault {
  return {
    id: `${OPERATION_NAMES[id]}.${mode}.limit.${constraint}.escaped`,
    description: `${mode === "stream" ? "streams" : "answers"} escape the constraint ${constraint}`,
    operation: id,
    mode,
    operator: `limit ${constraint}`,
    mutate: ({ constrains }) => ({
      constrains: (given, call) =>
        given === constraint && call.operation === id && modeOfFields(call.request) === mode
          ? false
          : constrains(given, call),
    }),
  };
}
