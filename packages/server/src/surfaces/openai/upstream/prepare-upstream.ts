/** A body for an upstream: measured as if it had been sent, because its bytes bound what the call can cost. */

import { createWorkSlices, stringifyInSlices } from "@openai-compat/core";
import type { AuthorisedCall, UpstreamCallRequest } from "@openai-compat/core";
import type { UpstreamDecodeOptions } from "../model-route.ts";
import type { UpstreamDecoder } from "./decode-json.ts";

interface PrepareOptions extends Pick<UpstreamDecodeOptions, "traceParent"> {
  readonly authorised: Pick<AuthorisedCall, "signal">;
}

/** @throws AiError with status 400; the signal's reason */
export async function prepareUpstream(
  body: Readonly<Record<string, unknown>>,
  decode: UpstreamDecoder,
  { authorised: { signal }, traceParent }: PrepareOptions,
): Promise<UpstreamCallRequest> {
  // An upstream gets what was asked for, and nothing of what was left out.
  const value = Object.fromEntries(Object.entries(body).filter(([, field]) => field !== undefined));
  const bytes = Buffer.byteLength(await stringifyInSlices(value, createWorkSlices({ signal })));
  return decode({ value, bytes }, { traceParent });
}
