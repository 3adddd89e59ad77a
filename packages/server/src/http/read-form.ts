/**
 * Reads a form (`multipart/form-data`) within bounds: bytes, time, number and size of its parts. It is called after
 * authorisation; nothing has touched the body before.
 */

import { AiError } from "@openai-compat/core";
import type { FormField } from "@openai-compat/core";
import { parseForm, readBoundary } from "./parse-form.ts";
import { readBodyBytes } from "./read-body.ts";
import type { BodyLimits, ReadBodyOptions } from "./read-body.ts";

/**
 * @returns the fields in the order sent.
 * @throws AiError `unsupported_media_type` (not a form), what `readBodyBytes` throws, and `invalid_request` when the
 *   form is malformed or has too many or too large parts.
 */
export async function readFormBody(
  request: Request,
  limits: BodyLimits,
  options: ReadBodyOptions,
): Promise<readonly FormField[]> {
  const contentType = (options.headers ?? request.headers).get("content-type") ?? "";
  const boundary = readBoundary(contentType);
  if (boundary === null) {
    const shown = contentType === "" ? "none" : `"${contentType.slice(0, 80)}"`;
    const message = `Unsupported content type ${shown}. Send "multipart/form-data" with a boundary.`;
    throw new AiError("unsupported_media_type", message);
  }
  return parseForm(await readBodyBytes(request, limits, options), boundary);
}
