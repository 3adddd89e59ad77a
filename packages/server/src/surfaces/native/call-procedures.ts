/**
 * Queries and mutations, alone or as a batch, in the words of tRPC's `httpLink` and `httpBatchLink`. The calls of a
 * batch are independent: one that is refused changes nothing for the others. Answers are printed in slices, because one
 * may be megabytes of vectors.
 */

import { AiError, createWorkSlices, stringifyInSlices } from "@openai-compat/core";
import { nativeProcedures } from "@openai-compat/spec";
import { callTRPCProcedure } from "@trpc/server";
import { encodeErrorHeaders } from "../openai/protocol/encode-error.ts";
import { decodeTrpcError, encodeNativeError } from "./map-error.ts";
import type { NativeContext } from "./native-context.ts";
import type { NativeErrorShape, NativeRouter } from "./native-router.ts";
import { isNativePath } from "./router.ts";

export interface ProcedureCalls {
  readonly router: NativeRouter;
  readonly method: string;
  readonly paths: readonly string[];
  readonly isBatch: boolean;
  readonly context: NativeContext;
  readonly signal: AbortSignal;
  /** Called with the failure of a call. */
  readonly report: (error: AiError) => void;
}

type Outcome =
  | { readonly result: { readonly data: unknown }; readonly failure?: undefined }
  | { readonly error: NativeErrorShape; readonly failure: AiError };

/** The status of a batch whose calls ended differently (RFC 4918). */
const MULTI_STATUS = 207;

/** @throws the signal's reason */
export async function callProcedures(calls: ProcedureCalls): Promise<Response> {
  const outcomes = await Promise.all(calls.paths.map((path, index) => callOne(path, index, calls)));
  const statuses = new Set(outcomes.map((outcome) => ("error" in outcome ? outcome.error.data.httpStatus : 200)));
  const [status = 200] = statuses.size > 1 ? [MULTI_STATUS] : statuses;
  const answers = outcomes.map(({ failure: _failure, ...answer }) => answer);
  const slices = createWorkSlices({ signal: calls.signal });
  const body = await stringifyInSlices(calls.isBatch ? answers : answers[0], slices);
  const failure = calls.isBatch ? undefined : outcomes[0]?.failure;
  const headers = failure === undefined ? { "content-type": "application/json" } : encodeErrorHeaders(failure);
  return new Response(typeof body === "string" ? body : Uint8Array.from(body), { status, headers });
}

async function callOne(path: string, index: number, calls: ProcedureCalls): Promise<Outcome> {
  const { router, context, signal, report } = calls;
  try {
    const type = findType(path, calls);
    const data: unknown = await callTRPCProcedure({
      router,
      path,
      type,
      getRawInput: async () => undefined,
      ctx: context,
      signal,
      batchIndex: index,
    });
    return { result: { data } };
  } catch (thrown) {
    const failure = decodeTrpcError(thrown, signal);
    report(failure);
    const place = { requestId: context.requestId, path, isSubscription: false };
    return { error: encodeNativeError(failure, place), failure };
  }
}

const NAME_LENGTH_SHOWN = 100;

/** @throws AiError `route_not_found`, `method_not_allowed`, `invalid_request` */
function findType(path: string, { method }: ProcedureCalls): "query" | "mutation" {
  if (!isNativePath(path)) {
    throw new AiError("route_not_found", `There is no procedure '${path.slice(0, NAME_LENGTH_SHOWN)}'.`);
  }
  const { type } = nativeProcedures[path];
  if (type === "subscription") throw new AiError("invalid_request", "A subscription can't be part of a batch.");
  if (type === "mutation" && method !== "POST") {
    throw new AiError("method_not_allowed", `'${path}' is a mutation: call it with POST.`);
  }
  return type;
}
