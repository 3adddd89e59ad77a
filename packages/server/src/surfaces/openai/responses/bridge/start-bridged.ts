/** Starts a response on an upstream's chat completions. Refusals name the fields of the response. */

import type { AuthorisedCall, UpstreamBody, UpstreamCall } from "@openai-compat/core";
import { decodeUpstreamChat } from "../../chat-completions/decode-upstream.ts";
import { prepareUpstream } from "../../upstream/prepare-upstream.ts";
import { readChatAnswer } from "../../upstream/read-chat-answer.ts";
import type { ResponseWire } from "../decode.ts";
import { renameRefusal } from "../rename-refusal.ts";
import type { ResponseRun } from "../response-run.ts";
import type { BridgedChat } from "./encode-chat.ts";
import { readCustomInputs } from "./read-custom-inputs.ts";

interface BridgeOptions {
  readonly wire: ResponseWire;
  readonly chat: BridgedChat;
  readonly authorised: AuthorisedCall;
  readonly traceParent: string | null;
}

/** @throws AiError as a chat of the upstream */
export async function startBridged(
  upstream: UpstreamCall,
  { wire, chat, ...scope }: BridgeOptions,
): Promise<ResponseRun> {
  try {
    const request = await prepareUpstream(chat.body, decodeUpstreamChat, scope);
    const run = await upstream.run({
      ...request,
      shorten: (refusal) => shortenBody(request.body, chat.shorten(refusal)),
    });
    const createdAtMs = Date.now();
    const { events } = await readChatAnswer(run);
    return {
      modelId: run.modelId,
      checkpoint: run.checkpoint,
      createdAtMs,
      sampling: { temperature: wire.temperature ?? 1, topP: wire.top_p ?? 1 },
      relaxed: [],
      droppedParameters: run.droppedParameters,
      events: readCustomInputs(events, chat.customTools),
    };
  } catch (thrown) {
    throw renameRefusal(thrown);
  }
}

function shortenBody(body: UpstreamBody, messages: ReturnType<BridgedChat["shorten"]>): UpstreamBody | null {
  return messages === null || body.kind !== "json" ? null : { kind: "json", value: { ...body.value, messages } };
}
