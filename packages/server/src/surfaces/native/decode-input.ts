/** The input of a procedure against its schema, in the words of `/v1`. */

import { AiError, isRecord } from "@openai-compat/core";
import { nativeProcedures, noInputSchema } from "@openai-compat/spec";
import type { NativePath, NativeProcedure } from "@openai-compat/spec";
import { checkEntries } from "../openai/check-entries.ts";
import { decodeBody } from "../openai/decode-body.ts";

export interface DecodedInput {
  readonly input: unknown;
  /** Clients of tRPC that open a subscription anew put the id of the last event into its input. */
  readonly lastEventId: string | null;
}

/**
 * @param sentEventId as the transport says it; null where it says none
 * @throws AiError with status 400, `param` naming what is wrong
 */
export function decodeInput(path: NativePath, raw: unknown, sentEventId: string | null): DecodedInput {
  const procedure: NativeProcedure = nativeProcedures[path];
  const isSubscription = procedure.type === "subscription";
  const { value, lastEventId } = isSubscription ? takeLastEventId(raw, sentEventId) : { value: raw, lastEventId: null };
  // What it was begun with is known already.
  if (procedure.resumable === true && lastEventId !== null) return { input: undefined, lastEventId };
  if (procedure.input === noInputSchema) {
    if (value !== undefined) throw new AiError("invalid_value", `The procedure '${path}' takes no input.`);
    return { input: undefined, lastEventId };
  }
  if (!isRecord(value)) {
    const message = `The input of '${path}' has to be a JSON object.`;
    throw new AiError(value === undefined ? "missing_required_parameter" : "invalid_type", message);
  }
  checkEntries(value);
  return { input: decodeBody(procedure.input, value), lastEventId };
}

function takeLastEventId(
  raw: unknown,
  sent: string | null,
): { readonly value: unknown; readonly lastEventId: string | null } {
  if (!isRecord(raw) || typeof raw["lastEventId"] !== "string") return { value: raw, lastEventId: sent };
  const { lastEventId, ...value } = raw;
  return { value: Object.keys(value).length === 0 ? undefined : value, lastEventId: sent ?? lastEventId };
}
