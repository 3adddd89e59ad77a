/** Compactions as checks make them. Nothing here judges. */

import { type CheckContext, defineShared } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectJsonObject, expectResponse, expectStatus, isJsonObject } from "../../src/expect.ts";
import type { JsonObject } from "../../src/expect.ts";
import { bodyText } from "../../src/response-body.ts";
import { Failure, Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import { OWNERS } from "./owners.ts";
import type { ResponseFields } from "./response-calls.ts";
import type { OTHER_ACCOUNT } from "./stored-calls.ts";

/** Said by nobody but these checks. */
export const USER_TEXTS = ["Where is the boat called Marlinspike?", "And who sails it?"] as const;
export const ANSWER_TEXT =
  "The boat called Marlinspike lies in the harbour of Quillhaven, at the third berth from the light. It is to be painted green in May.";

export const CONVERSATION = [
  { role: "user", content: USER_TEXTS[0] },
  { role: "assistant", content: ANSWER_TEXT },
  { role: "user", content: [{ type: "input_text", text: USER_TEXTS[1] }] },
] as const;

/** A request for a compaction. @throws NotTestable where the target has none, Inconclusive where its model is slow */
export async function askCompaction(
  context: CheckContext,
  fields: ResponseFields = {},
  credential?: typeof OTHER_ACCOUNT | "no_credit",
): Promise<Exchange> {
  const body = JSON.stringify({ model: context.models.chat, input: CONVERSATION, ...fields });
  const request = { method: "POST", path: "/responses/compact", body, disconnectAfterMs: context.patienceMs } as const;
  const exchange = await context.wire(credential === undefined ? request : { ...request, credential });
  if (exchange.response === null && exchange.transportError?.startsWith("TimeoutError") === true) {
    // No request can say how long a summary may be.
    throw new Inconclusive(`there is no compaction within ${context.patienceMs} ms`, "timeout");
  }
  throwIfAbsent(exchange);
  return exchange;
}

/** @throws NotTestable */
export function throwIfAbsent(exchange: Exchange): void {
  const { status } = expectResponse(exchange);
  const isAbsent = [404, 405, 501].includes(status) && !/previous_response/.test(bodyText(exchange));
  if (isAbsent) throw new NotTestable(`the target compacts no conversations: status ${status}`);
}

export interface Compaction {
  /** Of the conversation above, as it was answered. */
  readonly output: readonly JsonObject[];
  /** The item that stands for what the user did not say. */
  readonly item: JsonObject & { readonly encrypted_content: string };
  readonly usage: JsonObject;
}

const MADE = defineShared<Compaction>();

/** One of the conversation above, made once in a run. @throws NotTestable, Inconclusive */
export async function requireCompaction(context: CheckContext): Promise<Compaction> {
  return context.shared(MADE, async () => readCompaction(await askCompaction(context)));
}

/** @throws Inconclusive for an answer that has none */
export function readCompaction(exchange: Exchange): Compaction {
  return assume("a compaction", OWNERS.compaction, () => {
    expectStatus(exchange, 200);
    const { output, usage } = expectJsonObject(exchange);
    const items = Array.isArray(output) ? output.filter(isJsonObject) : [];
    const item = items.find(isCompaction);
    if (item === undefined || !isJsonObject(usage)) {
      const actual = items.map(({ type }) => String(type)).join() || "none";
      throw new Failure({ observer: "wire", expected: "an item of the type `compaction`, and usage", actual });
    }
    return { output: items, item, usage };
  });
}

function isCompaction(item: JsonObject): item is Compaction["item"] {
  return item["type"] === "compaction" && typeof item["encrypted_content"] === "string";
}
