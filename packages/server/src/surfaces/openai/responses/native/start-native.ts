/** Starts a response on an upstream's own responses. Refusals are the upstream's, and name fields of a response. */

import type { AuthorisedCall, UpstreamCall } from "@openai-compat/core";
import { prepareUpstream } from "../../upstream/prepare-upstream.ts";
import type { JsonObject } from "../../upstream/decode-json.ts";
import type { ResponseWire } from "../decode.ts";
import { renameRefusal } from "../rename-refusal.ts";
import type { ResponseRun } from "../response-run.ts";
import { decodeNative } from "./encode-native.ts";
import { readNative } from "./read-native.ts";

interface NativeOptions {
  readonly wire: ResponseWire;
  readonly body: JsonObject;
  readonly authorised: AuthorisedCall;
  readonly traceParent: string | null;
}

/** @throws AiError what refuses the call, and what the upstream refused or how it failed */
export async function startNative(
  upstream: UpstreamCall,
  { wire, body, ...scope }: NativeOptions,
): Promise<ResponseRun> {
  try {
    const run = await upstream.run(await prepareUpstream(body, decodeNative, scope));
    return {
      modelId: run.modelId,
      checkpoint: run.checkpoint,
      createdAtMs: Date.now(),
      sampling: { temperature: wire.temperature ?? 1, topP: wire.top_p ?? 1 },
      relaxed: [],
      droppedParameters: run.droppedParameters,
      events: readNative(run),
    };
  } catch (thrown) {
    throw renameRefusal(thrown);
  }
}
