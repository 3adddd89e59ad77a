/** The body of an answer that is an error, read within bounds. What it means is decided in `decode-error.ts`. */

import { decodeContent } from "./decode-content.ts";
import type { ExchangeAnswer } from "./exchange.ts";
import { UpstreamError } from "./upstream-error.ts";

/** Maximum length of an error's body; a longer one is not an envelope. */
const ERROR_BYTES_MAX = 65_536;

/** @returns null when it is too long or missing: then the status is used alone. @throws the signal's reason */
export async function readErrorText(
  answer: Pick<ExchangeAnswer, "headers" | "read">,
  answerBytesMax: number,
): Promise<string | null> {
  const body: Uint8Array[] = [];
  let bytes = 0;
  try {
    const content = decodeContent(answer, answerBytesMax);
    for (let chunks = await content.read(); chunks !== null; chunks = await content.read()) {
      body.push(...chunks);
      bytes += chunks.reduce((total, chunk) => total + chunk.length, 0);
      if (bytes > ERROR_BYTES_MAX) return null;
    }
  } catch (thrown) {
    if (thrown instanceof UpstreamError) return null;
    throw thrown;
  }
  return Buffer.concat(body).toString("utf8");
}
