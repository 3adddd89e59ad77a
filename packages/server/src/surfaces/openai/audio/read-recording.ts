/** The recording of a form. Its name and its type are the client's and may be wrong: what it is, its content says. */

import { AiError } from "@openai-compat/core";
import type { FormField, FormFile } from "@openai-compat/core";

/** The last one, where there are several. @throws AiError with status 400 when there is none or it is empty. */
export function readRecording(fields: readonly FormField[]): FormFile {
  const file = fields.findLast(({ name }) => name === "file");
  if (file === undefined || !("pieces" in file)) {
    throw new AiError("missing_required_parameter", "Missing required parameter: 'file'.", { param: "file" });
  }
  if (file.pieces.length > 0) return file;
  throw new AiError("invalid_value", "Invalid value for 'file': the file is empty.", { param: "file" });
}
