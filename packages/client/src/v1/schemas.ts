/** The shapes of all operations. It brings zod along, so it is imported only when the first call needs it. */

import { encodePath, flattenIssues, operations } from "@openai-compat/spec";
import type { HttpOperation, HttpOperationId } from "@openai-compat/spec";
import { compileCheck } from "./compile-check.ts";

/** Where a value is wrong, and how. */
export interface Issue {
  /** Such as `choices[0].message.content`; empty for the value itself. */
  readonly path: string;
  readonly message: string;
}

/** @returns null where nothing is wrong. */
export type Check = (value: unknown) => Issue | null;

/** Checks of one operation; null for what it doesn't have. */
export interface OperationChecks {
  readonly request: Check | null;
  /** Of the answer in a format, as `response_format` names it; null for the default. */
  readonly findResponse: (format: unknown) => Check | null;
  readonly streamEvent: Check | null;
}

type Schema = NonNullable<HttpOperation["request"]>;

function checkRequest(schema: Schema): Check {
  return (value) => {
    const result = schema.safeParse(value);
    return result.success ? null : (flattenIssues(result.error.issues)[0] ?? null);
  };
}

/** It may set fields of the value; see `compileCheck`. */
function checkAnswer(schema: Schema): Check {
  const check = compileCheck(schema);
  return (value) => {
    const failure = check(value);
    return failure === null ? null : { path: encodePath(failure.segments), message: failure.message };
  };
}

const cache = new Map<HttpOperationId, OperationChecks>();

export function findChecks(id: HttpOperationId): OperationChecks {
  const known = cache.get(id);
  if (known !== undefined) return known;
  const { request, response, responseByFormat, streamEvent }: HttpOperation = operations[id];
  const byDefault = response === null ? null : checkAnswer(response);
  const byFormat = new Map(
    Object.entries(responseByFormat).map(([format, schema]): [unknown, Check] => [format, checkAnswer(schema)]),
  );
  const checks: OperationChecks = {
    request: request === null ? null : checkRequest(request),
    findResponse: (format) => byFormat.get(format) ?? byDefault,
    streamEvent: streamEvent === null ? null : checkAnswer(streamEvent),
  };
  cache.set(id, checks);
  return checks;
}

/** Checks of a realtime session's messages. */
export interface SessionChecks {
  readonly clientEvent: Check;
  readonly serverEvent: Check;
}

let sessionChecks: SessionChecks | null = null;

export function findSessionChecks(): SessionChecks {
  const { clientEvent, serverEvent } = operations.connectRealtime;
  sessionChecks ??= { clientEvent: checkRequest(clientEvent), serverEvent: checkAnswer(serverEvent) };
  return sessionChecks;
}
