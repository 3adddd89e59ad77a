/** The models that a target lists, for checks that take the list for granted. Nothing here judges the target. */

import type { CheckContext } from "../../src/check-context.ts";
import { assume, expectJsonObject, expectStatus, expectThat, isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Exchange } from "../../src/exchange.ts";
import { bodyText } from "../../src/response-body.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { OWNERS } from "./owners.ts";

/** All listed models as raw objects. @throws Inconclusive when the list can't be read */
export async function requireModels(context: CheckContext): Promise<readonly JsonObject[]> {
  const { exchange } = await context.sdk((client) => client.models.list());
  return assume("a list of models", OWNERS.models, () => {
    expectStatus(exchange, 200);
    const { data } = expectJsonObject(exchange);
    const models = Array.isArray(data) ? data.filter(isJsonObject) : [];
    expectThat(models.length > 0, { observer: "schema", expected: "data with models", actual: JSON.stringify(data) });
    return models;
  });
}

/** A listed id that is a string. @throws Inconclusive */
export async function requireModelId(context: CheckContext): Promise<string> {
  const ids = readIds(await requireModels(context));
  return assume("the list holds an id", OWNERS.modelListed, () => {
    const id = ids.find((candidate) => candidate === context.models.chat) ?? ids[0];
    expectThat(id !== undefined, { observer: "schema", expected: "an id", actual: "none" });
    return id;
  });
}

const UNKNOWN_ID = "conformance-no-such-model";
const UNKNOWN_ROUTE = "conformance-no-such-route";

/** `GET /models/{model}` for a model that is not there. @throws NotTestable when the target has no such operation */
export async function requireUnknownRetrieved(context: CheckContext): Promise<Exchange> {
  const exchange = await context.wire({ method: "GET", path: `/models/${UNKNOWN_ID}` });
  await throwIfNoRetrieval(context, exchange);
  return exchange;
}

/** Many servers list models and can't show one of them: they answer it as any path that they don't have. */
async function throwIfNoRetrieval(context: CheckContext, unknown: Exchange): Promise<void> {
  const status = unknown.response?.status ?? 0;
  if (![404, 405, 501].includes(status)) return;
  const route = await context.wire({ method: "GET", path: `/${UNKNOWN_ROUTE}` });
  if (status === 404 && (route.response?.status !== 404 || readRefused(unknown) !== readRefused(route))) return;
  throw new NotTestable(`the target has no retrieveModel: status ${status}, as for a path that it does not have`);
}

/** What a refusal says, without what differs from one path to another. */
function readRefused(exchange: Exchange): string {
  return bodyText(exchange)
    .replaceAll(UNKNOWN_ID, UNKNOWN_ROUTE)
    .replaceAll(`models/${UNKNOWN_ROUTE}`, UNKNOWN_ROUTE)
    .replaceAll(/"(?:request_id|id|timestamp)":\s*"[^"]*"/g, "");
}

/** A listed id with a slash in it. @throws NotTestable when the target has none */
export async function requireSlashId(context: CheckContext): Promise<string> {
  const id = readIds(await requireModels(context)).find((candidate) => candidate.includes("/"));
  if (id === undefined) throw new NotTestable("the target lists no model id with a slash");
  return id;
}

function readIds(models: readonly JsonObject[]): readonly string[] {
  return models.map((model) => model["id"]).filter((id) => typeof id === "string");
}
