/**
 * What becomes of a response after its request: it is read again, its events are streamed again, and it is cancelled
 * while it runs in the background.
 */

import { AiError } from "@openai-compat/core";
import type { AuthorisedCall, RunKey, WireObject } from "@openai-compat/core";
import { getResponseParameters } from "@openai-compat/spec";
import type { OperationContext, OperationHandler } from "../operation-handler.ts";
import { decodeQuery } from "../stored/decode-query.ts";
import { notFound, respondInSlices } from "../stored/page.ts";
import { streamRun } from "./background/answer-background.ts";
import type { ResponseDependencies } from "./route.ts";

type RunningResponseOperation = "getResponse" | "cancelResponse";

const PARAMETER = "response_id";

export function createRunningResponseHandlers({
  responses,
  backgrounds,
}: Pick<ResponseDependencies, "responses" | "backgrounds">): Readonly<
  Record<RunningResponseOperation, OperationHandler>
> {
  /** As it is stored, or as it is by now. @throws AiError `not_found` */
  async function requireResponse({ accountId, id }: RunKey): Promise<WireObject> {
    const stored = await responses.findResponse(accountId, id);
    const found = stored?.response ?? (await backgrounds.find({ accountId, id }));
    if (found === null) throw notFound("Response", id, PARAMETER);
    return found;
  }
  return {
    async getResponse(call, context) {
      const key = keyOf(call, context);
      const { stream, starting_after: after, include_obfuscation } = decodeQuery(getResponseParameters, context.query);
      if (stream !== true) return respondInSlices(await requireResponse(key), call);
      if ((await backgrounds.status(key)) === null) throw noEvents(await requireResponse(key));
      const includeObfuscation = include_obfuscation === true;
      return streamRun({ backgrounds, key, after: after ?? -1, includeObfuscation }, { call, context });
    },
    async cancelResponse(call, context) {
      const key = keyOf(call, context);
      const before = await requireResponse(key);
      if (before["background"] !== true) throw notBackground();
      await backgrounds.cancel(key);
      return respondInSlices(await requireResponse(key), call);
    },
  };
}

function keyOf({ principal }: AuthorisedCall, { pathParameter }: OperationContext): RunKey {
  return { accountId: principal.accountId, id: pathParameter(PARAMETER) };
}

function noEvents({ background }: WireObject): AiError {
  const message =
    background === true
      ? "The events of this response are not stored any more. Retrieve it without 'stream'."
      : "Only the events of a response with 'background: true' are stored. Retrieve it without 'stream'.";
  return new AiError("invalid_value", `Invalid 'stream': ${message}`, { param: "stream" });
}

function notBackground(): AiError {
  const message = "Cannot cancel a synchronous response: it was not made with 'background: true'.";
  return new AiError("invalid_request", message, { param: PARAMETER });
}
