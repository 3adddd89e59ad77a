/** `POST /responses/input_tokens`: the input of a response, decoded and tokenised as that response's, and not answered. */

import { AiError, inputTokenCalls } from "@openai-compat/core";
import type { InputTokens } from "@openai-compat/spec";
import { JSON_BODY, defineStoredRoute } from "../model-route.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import { decodeResponse, decodeResponseBody } from "./decode.ts";
import { renameRefusals } from "./rename-refusal.ts";
import { resolveState } from "./resolve-state.ts";
import type { ResponseDependencies } from "./route.ts";

export function createInputTokensRoute({ responses, seals }: ResponseDependencies): OperationHandler {
  return defineStoredRoute(renameRefusals(inputTokenCalls), {
    body: JSON_BODY,
    async decode({ value }, routed, { call }) {
      const { accountId } = call.principal;
      const sent = decodeResponseBody(value);
      const { items } = await resolveState(responses, accountId, sent);
      const wire = applyConfiguration(sent, items);
      const { request } = decodeResponse(wire, items, (sealed) => seals.reasoning.open(accountId, sealed));
      if (routed.route === "upstream") {
        const message = `The model '${wire.model.slice(0, 100)}' is an upstream's: its tokens can't be counted here.`;
        throw new AiError("not_implemented", message, { param: "model" });
      }
      return {
        start: () => routed.run(request),
        async encode(tokens: number) {
          const answer: InputTokens = { object: "response.input_tokens", input_tokens: tokens };
          return JSON.stringify(answer);
        },
        stream: null,
      };
    },
  });
}
