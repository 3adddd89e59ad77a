/** Calls on what a server keeps: made once for all checks, or for each call that takes it away. Nothing here judges. */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import type { CheckContext, SharedKey } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { OWNERS } from "../support/owners.ts";
import type { Answered } from "./answered.ts";
import { type Flaw, must, readAnswer } from "./flaws.ts";
import { composeQuery } from "./pages.ts";

export interface KeptCalls<Kept> {
  readonly operation: HttpOperationId;
  /** `place`: which one the call is about, where it takes it away. */
  readonly keep: (context: CheckContext, place: number) => Promise<Kept>;
  /** What it is kept under for all calls; null where each call needs some of its own. */
  readonly about: SharedKey<Kept> | null;
  /** What stands in the path, and what a number in `after` stands for: ids, the oldest first. `place` is one of several. */
  readonly name: (
    kept: Kept,
    place: number,
  ) => { readonly path: Readonly<Record<string, string>>; readonly ids?: readonly unknown[] };
  /** What a POST says unless the fields say otherwise; without it, a POST has no body. */
  readonly compose?: (place: number, context: CheckContext) => JsonObject;
}

/**
 * How long something is kept is the server's choice: who finds it no more can't say what else is wrong.
 *
 * @throws NotTestable without the operation; Inconclusive where what it is about is gone
 */
async function throwIfGone(context: CheckContext, operation: HttpOperationId, path: string): Promise<void> {
  const [, collection = "", id = ""] = path.split("/");
  if (id === "") return;
  const { response } = await context.wire({ method: "GET", path: `/${collection}/${id}` });
  if (response?.status !== 404) return;
  await requireOffered(context, operation);
  const owners = collection === "conversations" ? OWNERS.conversationRead : OWNERS.responseKept;
  throw new Inconclusive("what was made for this call is not kept any more", owners);
}

const UNKNOWN_ID = "conformance_unknown";
const NOTHING: ReturnType<KeptCalls<unknown>["name"]> = { path: {} };

/**
 * Fields named like a parameter of the path replace it. All others are the query of a GET or DELETE, and the body of a
 * POST; there `query` is an object of its own.
 */
export function defineKeptCalls<Kept extends object>({ operation, keep, about, name, compose }: KeptCalls<Kept>) {
  const kept = new WeakMap<Exchange, Kept>();
  const { method, path } = operations[operation];
  const isInPath = (parameter: string): boolean => path.includes(`{${parameter}}`);
  const send: Answered["send"] = async (context, { place: asked, query, ...fields }, sent = {}) => {
    const place = Number(asked ?? 0);
    // A call that is refused takes nothing away, so that there is nothing to make for it.
    const isRefused = sent.credential !== undefined || Object.keys(fields).some(isInPath);
    const make = (): Promise<Kept> => keep(context, place);
    const own = about !== null ? await context.shared(about, make) : isRefused ? null : await make();
    const { path: named, ids = [] } = own === null ? NOTHING : name(own, place);
    const filled = path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) => {
      const given = fields[parameter] ?? named[parameter];
      return encodeURIComponent(typeof given === "string" ? given : UNKNOWN_ID);
    });
    const rest = Object.fromEntries(Object.entries(fields).filter(([parameter]) => !isInPath(parameter)));
    const inQuery = isJsonObject(query) ? query : {};
    const isPost = method === "POST";
    const exchange = await context.wire({
      method,
      path: `${filled}${composeQuery(isPost ? inQuery : rest, ids)}`,
      ...(isPost && compose !== undefined ? { body: JSON.stringify({ ...compose(place, context), ...rest }) } : {}),
      disconnectAfterMs: context.patienceMs,
      ...sent,
    });
    if (own === null) return exchange;
    kept.set(exchange, own);
    if (exchange.response?.status === 404 && !isRefused) await throwIfGone(context, operation, filled);
    return exchange;
  };
  const of = (exchange: Exchange): Kept | undefined => kept.get(exchange);
  /** What is wrong with a JSON answer about it. */
  const listWith =
    (list: (body: JsonObject, kept: Kept, fields: JsonObject) => readonly Flaw[]): Answered["list"] =>
    (exchange, { fields }) => {
      const { body, flaws } = readAnswer(exchange);
      const own = of(exchange);
      if (!isJsonObject(body) || own === undefined) return [...flaws, ...must(false, "a JSON object", body)];
      return [...flaws, ...list(body, own, fields)];
    };
  return { send, of, listWith };
}
