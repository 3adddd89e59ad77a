/** What an engine answers of the options on it: what it leaves out, or why it can't honour them. */

import { AiError, encodeAiError } from "@openai-compat/core";
import type { PreparedPrompt } from "@openai-compat/core";

/**
 * @param check throws an `AiError` for what the model can't honour.
 * @throws what `check` throws and is no `AiError`
 */
export async function examineOptions(
  check: () => Promise<PreparedPrompt["relaxed"]>,
): Promise<Pick<PreparedPrompt, "relaxed" | "refusal">> {
  try {
    return { relaxed: await check(), refusal: null };
  } catch (thrown) {
    if (!(thrown instanceof AiError)) throw thrown;
    return { relaxed: [], refusal: encodeAiError(thrown) };
  }
}
