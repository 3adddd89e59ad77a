/** What becomes of stored responses: deleted, and what they answer listed. */

import { itemPageParameters } from "@openai-compat/spec";
import type { ResponseDeleted } from "@openai-compat/spec";
import type { OperationHandler } from "../operation-handler.ts";
import { decodeQuery } from "../stored/decode-query.ts";
import { cutPage, encodePage, notFound, requirePage, resolvePage, respondInSlices } from "../stored/page.ts";
import { showItem } from "../stored/show-item.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";

type StoredResponseOperation = "deleteResponse" | "listInputItems";

const PARAMETER = "response_id";

export function createStoredResponseHandlers({
  responses,
}: Pick<StateDependencies, "responses">): Readonly<Record<StoredResponseOperation, OperationHandler>> {
  return {
    async deleteResponse({ principal }, { pathParameter }) {
      const id = pathParameter(PARAMETER);
      if (!(await responses.removeResponse(principal.accountId, id))) throw noSuchResponse(id);
      const answer: ResponseDeleted = { id, object: "response", deleted: true };
      return Response.json(answer);
    },
    async listInputItems(call, { query, pathParameter }) {
      const { include, ...asked } = decodeQuery(itemPageParameters, query);
      const page = resolvePage(asked, "desc");
      const id = pathParameter(PARAMETER);
      const response = await responses.findResponse(call.principal.accountId, id);
      if (response === null) throw noSuchResponse(id);
      const { data, hasMore } = requirePage(cutPage(response.input, page), page.after);
      const shown = data.map((item) => showItem(item, include));
      return respondInSlices(encodePage(shown, hasMore), call);
    },
  };
}

function noSuchResponse(id: string) {
  return notFound("Response", id, PARAMETER);
}
