/** What becomes of stored responses: deleted, and what they answer listed. */

import { AiError } from "@openai-compat/core";
import { itemPageParameters } from "@openai-compat/spec";
import type { ResponseDeleted } from "@openai-compat/spec";
import type { OperationHandler } from "../operation-handler.ts";
import { decodeQuery } from "../stored/decode-query.ts";
import { cutPage, encodePage, notFound, requirePage, resolvePage, respondInSlices } from "../stored/page.ts";
import { showItem } from "../stored/show-item.ts";
import type { ResponseDependencies } from "./route.ts";

type StoredResponseOperation = "deleteResponse" | "listInputItems";

const PARAMETER = "response_id";

export function createStoredResponseHandlers({
  responses,
  backgrounds,
  settings,
}: Pick<ResponseDependencies, "responses" | "backgrounds" | "settings">): Readonly<
  Record<StoredResponseOperation, OperationHandler>
> {
  return {
    async deleteResponse({ principal }, { pathParameter }) {
      const id = pathParameter(PARAMETER);
      const { accountId } = principal;
      if ((await backgrounds.status({ accountId, id })) === "running") throw stillRuns();
      const isRemoved = await responses.removeResponse(accountId, id);
      // With its events, and where the account had no room for it.
      const isForgotten = await backgrounds.forget({ accountId, id });
      if (!isRemoved && !isForgotten) throw noSuchResponse(id);
      const answer: ResponseDeleted = { id, object: "response", deleted: true };
      return Response.json(answer);
    },
    async listInputItems(call, { query, pathParameter }) {
      const { include, ...asked } = decodeQuery(itemPageParameters, query);
      const page = resolvePage(asked, { order: "desc", settings });
      const id = pathParameter(PARAMETER);
      const { accountId } = call.principal;
      const stored = await responses.findResponse(accountId, id);
      const input = stored?.input ?? (await backgrounds.findInput({ accountId, id }));
      if (input === null) throw noSuchResponse(id);
      const { data, hasMore } = requirePage(await cutPage(input, page, call), page.after);
      const shown = data.map((item) => showItem(item, include));
      return respondInSlices(encodePage(shown, hasMore), call);
    },
  };
}

function stillRuns(): AiError {
  const message = "Cannot delete a response that runs in the background. Cancel it first.";
  return new AiError("invalid_request", message, { param: PARAMETER });
}

function noSuchResponse(id: string) {
  return notFound("Response", id, PARAMETER);
}
