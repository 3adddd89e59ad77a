/** The shapes of all operations. It brings zod along, so it is imported only when the first call needs it. */

import { flattenIssues, operations, validateShape } from "@openai-compat/spec";
import type { HttpOperation, HttpOperationId, ShapeIssue } from "@openai-compat/spec";

/** What is wrong with a value; empty when nothing is. */
export type Check = (value: unknown) => readonly ShapeIssue[];

/** Checks of one operation; null for what it doesn't have. None changes the value. */
export interface OperationChecks {
  readonly request: Check | null;
  readonly response: Check | null;
  readonly streamEvent: Check | null;
}

type Schema = NonNullable<HttpOperation["request"]>;

function checkStrictly(schema: Schema): Check {
  return (value) => {
    const result = schema.safeParse(value);
    return result.success ? [] : flattenIssues(result.error.issues);
  };
}

/** `null` in an optional field counts as absent: many servers send such nulls. */
function checkLeniently(schema: Schema): Check {
  return (value) => validateShape(schema, value);
}

const cache = new Map<HttpOperationId, OperationChecks>();

export function findChecks(id: HttpOperationId): OperationChecks {
  const known = cache.get(id);
  if (known !== undefined) return known;
  const { request, response, streamEvent }: HttpOperation = operations[id];
  const checks = {
    request: request === null ? null : checkStrictly(request),
    response: response === null ? null : checkLeniently(response),
    streamEvent: streamEvent === null ? null : checkLeniently(streamEvent),
  };
  cache.set(id, checks);
  return checks;
}

/** Checks of a realtime session's messages. */
export interface SessionChecks {
  readonly clientEvent: Check;
  readonly serverEvent: Check;
}

export function findSessionChecks(): SessionChecks {
  const { clientEvent, serverEvent } = operations.connectRealtime;
  return { clientEvent: checkStrictly(clientEvent), serverEvent: checkLeniently(serverEvent) };
}
