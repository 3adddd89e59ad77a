/** A body for an upstream: measured as if it had been sent, because its bytes bound what the call can cost. */

import { createWorkSlices, stringifyInSlices } from "@openai-compat/core";
import type { UpstreamCallRequest } from "@openai-compat/core";
import type { JsonBody } from "../../http/read-body.ts";
import type { UpstreamDecodeOptions } from "../openai/model-route.ts";
import type { NativeCall } from "./native-handlers.ts";

type Decode = (body: JsonBody, options: Pick<UpstreamDecodeOptions, "traceParent">) => UpstreamCallRequest;

/** @throws AiError with status 400; the signal's reason */
export async function prepareUpstream(
  body: Readonly<Record<string, unknown>>,
  decode: Decode,
  { authorised: { signal }, traceParent }: NativeCall,
): Promise<UpstreamCallRequest> {
  // An upstream gets what was asked for, and nothing of what was left out.
  const value = Object.fromEntries(Object.entries(body).filter(([, field]) => field !== undefined));
  const bytes = Buffer.byteLength(await stringifyInSlices(value, createWorkSlices({ signal })));
  return decode({ value, bytes }, { traceParent });
}
