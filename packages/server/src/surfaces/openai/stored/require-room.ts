/** Refuses what an account has no room for. */

import { AiError } from "@openai-compat/core";
import type { StoreOutcome } from "@openai-compat/core";
import type { ResponseSettings } from "../responses/settings.ts";

/** @param param the field whose content is too much. @throws AiError `invalid_value` */
export function requireRoom(
  outcome: StoreOutcome,
  { accountBytesMax }: Pick<ResponseSettings, "accountBytesMax">,
  param: string,
): void {
  if (outcome === "stored") return;
  const message = `Invalid '${param}': with it, this object would exceed what an account may store (${accountBytesMax} bytes).`;
  throw new AiError("invalid_value", message, { param });
}
