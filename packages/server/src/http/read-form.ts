/**
 * Reads a form (`multipart/form-data`) within bounds: bytes, time, number and size of its parts, each byte once, as it
 * arrives. It is called after authorisation; nothing has touched the body before.
 */

import { AiError } from "@openai-compat/core";
import type { FormField } from "@openai-compat/core";
import { createFormParser } from "./form-parser.ts";
import { readBoundary } from "./part-head.ts";
import { readBodyPieces } from "./read-body.ts";
import type { BodyLimits, ReadBodyOptions } from "./read-body.ts";

export interface ReadFormOptions extends ReadBodyOptions {
  /** Names of the fields that are files, whatever their parts say of themselves. */
  readonly fileFields: readonly string[];
}

/**
 * A malformed form is refused when its mistake arrives, and the rest is not read.
 *
 * @returns the fields in the order sent.
 * @throws AiError `unsupported_media_type` (not a form), what `readBodyPieces` throws, and `invalid_request` when the
 *   form is malformed or has too many or too large parts.
 */
export async function readFormBody(
  request: Request,
  limits: BodyLimits,
  options: ReadFormOptions,
): Promise<readonly FormField[]> {
  const contentType = (options.headers ?? request.headers).get("content-type") ?? "";
  const boundary = readBoundary(contentType);
  if (boundary === null) {
    const shown = contentType === "" ? "none" : `"${contentType.slice(0, 80)}"`;
    const message = `Unsupported content type ${shown}. Send "multipart/form-data" with a boundary.`;
    throw new AiError("unsupported_media_type", message);
  }
  const parser = createFormParser(boundary, options.fileFields);
  await readBodyPieces(request, limits, { ...options, onPiece: (piece) => parser.push(piece) });
  return parser.end();
}
