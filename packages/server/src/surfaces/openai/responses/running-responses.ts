/** What becomes of a response after its request: it is read again, and cancelled while it runs in the background. */

import { AiError } from "@openai-compat/core";
import type { AuthorisedCall, StoredResponse } from "@openai-compat/core";
import { getResponseParameters } from "@openai-compat/spec";
import type { OperationContext, OperationHandler } from "../operation-handler.ts";
import { decodeQuery } from "../stored/decode-query.ts";
import { notFound, respondInSlices } from "../stored/page.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";

type RunningResponseOperation = "getResponse" | "cancelResponse";

const PARAMETER = "response_id";

export function createRunningResponseHandlers({
  responses,
}: Pick<StateDependencies, "responses">): Readonly<Record<RunningResponseOperation, OperationHandler>> {
  /** @throws AiError `not_found` */
  async function requireResponse(
    { principal }: AuthorisedCall,
    { pathParameter }: OperationContext,
  ): Promise<StoredResponse> {
    const id = pathParameter(PARAMETER);
    const found = await responses.findResponse(principal.accountId, id);
    if (found === null) throw notFound("Response", id, PARAMETER);
    return found;
  }
  return {
    async getResponse(call, context) {
      decodeQuery(getResponseParameters, context.query);
      return respondInSlices((await requireResponse(call, context)).response, call);
    },
    async cancelResponse(call, context) {
      await requireResponse(call, context);
      throw new AiError("invalid_request", "Cannot cancel a synchronous response: it was not made in the background.", {
        param: PARAMETER,
      });
    },
  };
}
