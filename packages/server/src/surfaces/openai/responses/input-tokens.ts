/**
 * `POST /responses/input_tokens`: the input of a response, decoded and tokenised as that response's, and not answered. An
 * upstream that has responses itself is asked for the number.
 */

import { AiError, inputTokenCalls } from "@openai-compat/core";
import type { UpstreamCall } from "@openai-compat/core";
import type { InputTokens } from "@openai-compat/spec";
import { JSON_BODY, defineStoredRoute } from "../model-route.ts";
import type { WorkScope } from "../model-route.ts";
import type { OperationHandler } from "../operation-handler.ts";
import type { JsonObject } from "../upstream/decode-json.ts";
import { prepareUpstream } from "../upstream/prepare-upstream.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import { decodeResponse, decodeResponseBody } from "./decode.ts";
import type { ResponseWire } from "./decode.ts";
import { encodeChat } from "./bridge/encode-chat.ts";
import { decodeNativeCount, encodeNativeCount } from "./native/encode-native.ts";
import { createOpeners } from "./reasoning-seal.ts";
import { renameRefusal, renameRefusals } from "./rename-refusal.ts";
import { resolveState } from "./resolve-state.ts";
import type { ResponseDependencies } from "./route.ts";

/** Counts, whose refusals name the fields of a response. */
export const countingCalls = renameRefusals(inputTokenCalls);

type Dependencies = Pick<ResponseDependencies, "responses" | "seals">;

export function createInputTokensRoute({ responses, seals }: Dependencies): OperationHandler {
  return defineStoredRoute(countingCalls, {
    body: JSON_BODY,
    async decode({ value }, routed, scope) {
      const { accountId } = scope.call.principal;
      const sent = decodeResponseBody(value);
      const { items } = await resolveState(responses, accountId, sent);
      const wire = applyConfiguration(sent, items);
      const openers = createOpeners(seals, accountId);
      if (routed.route === "local") {
        const { request } = decodeResponse(wire, items, openers);
        return answerCount(() => routed.run(request).then(encodeCount));
      }
      if (routed.sentAs !== "Getinputtokencounts") {
        // What no response is made of is refused as there.
        encodeChat(wire, items, openers);
        throw notCounted(wire);
      }
      const body = encodeNativeCount(wire, items, openers);
      return answerCount(() => askUpstream(routed, { wire, body, scope }));
    },
  });
}

function answerCount(start: () => Promise<string>) {
  return { start, encode: async (count: string) => count, stream: null };
}

function encodeCount(tokens: number): string {
  const answer: InputTokens = { object: "response.input_tokens", input_tokens: tokens };
  return JSON.stringify(answer);
}

interface UpstreamCount {
  readonly wire: ResponseWire;
  readonly body: JsonObject;
  readonly scope: WorkScope;
}

/** @throws AiError what refuses the call, and what the upstream refused or how it failed */
async function askUpstream(upstream: UpstreamCall, { wire, body, scope }: UpstreamCount): Promise<string> {
  const { call: authorised, context } = scope;
  const { traceParent } = context;
  try {
    const run = await upstream.run(await prepareUpstream(body, decodeNativeCount, { authorised, traceParent }));
    if (run.kind === "whole") return Buffer.from(run.body).toString();
    throw new AiError("upstream_failed", "The model gave an answer that can't be used.");
  } catch (thrown) {
    const isMissing = thrown instanceof AiError && thrown.code === "not_implemented";
    throw isMissing ? notCounted(wire, thrown) : renameRefusal(thrown);
  }
}

/** Not a failure of this server: its status would have clients ask again. */
function notCounted({ model }: ResponseWire, cause?: AiError): AiError {
  const message =
    `The input tokens of the model '${model.slice(0, 100)}' can't be counted before it answers: it is an upstream's, which counts none. ` +
    "The response says how many they were, in 'usage.input_tokens'.";
  return new AiError("unsupported_value", message, { param: "model", cause });
}
