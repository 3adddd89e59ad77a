/** Names an output by its content: two that ask for the same grammar have the same key, wherever they were made. */

import { createHash } from "node:crypto";
import { createWorkSlices, stringifyInSlices } from "@openai-compat/core";
import type { ChatOutput } from "@openai-compat/core";

/** Bytes that are hashed in one go, in about a millisecond. */
const PIECE_BYTES = 2 ** 20;
/** Several calls may wait for the key. */
const UNABORTED = new AbortController().signal;

/** Works in slices: a schema may be as large as a body. */
export async function hashOutput({ format, toolUse }: ChatOutput): Promise<string> {
  const slices = createWorkSlices({ signal: UNABORTED });
  const tools = toolUse?.tools.map(({ name, parameters, isStrict }) => [name, parameters, isStrict]);
  const content = [format, toolUse === null ? null : [toolUse.mode, toolUse.parallel, tools]];
  const bytes = Buffer.from(await stringifyInSlices(content, slices));
  const hash = createHash("sha256");
  for (let start = 0; start < bytes.length; start += PIECE_BYTES) {
    if (slices.isOver) await slices.next();
    hash.update(bytes.subarray(start, start + PIECE_BYTES));
  }
  return hash.digest("base64");
}
