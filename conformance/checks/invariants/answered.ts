/** One row for each kind of answer: how it is asked for, and what is looked at in it. */

import type { HttpOperationId } from "@openai-compat/spec";
import type { Area, Need } from "../../src/check.ts";
import type { CheckContext, WireRequest } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import type { JsonObject } from "../../src/expect.ts";
import type { Flaw } from "./flaws.ts";

export type Sent = Pick<WireRequest, "headers" | "credential">;

export interface Answered {
  /** Part of permanent check ids. */
  readonly slug: string;
  readonly area: Area;
  readonly operation: HttpOperationId;
  readonly needs: readonly Need[];
  /** What is sent one after the other; the first is what no server has a reason to refuse. */
  readonly variants: readonly JsonObject[];
  /** What makes a plain answer as short as it can be, where nothing of its text is looked at. Default: nothing does. */
  readonly least?: JsonObject;
  /** Requests that have to be refused, beside those that are of every operation. Default none. */
  readonly refused?: readonly JsonObject[];
  /** Whether each answer is about something new, with an id of its own. Default false. */
  readonly makes?: boolean;
  readonly send: (context: CheckContext, fields: JsonObject, sent?: Sent) => Promise<Exchange>;
  readonly list: (exchange: Exchange, asked: { readonly fields: JsonObject }) => readonly Flaw[];
}
