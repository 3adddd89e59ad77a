/** Refuses bodies and tables in them with more entries than are of use, before a schema looks at each of them. */

import { AiError } from "@openai-compat/core";
import { METADATA_PAIRS_MAX } from "@openai-compat/spec";

/** Far more tokens than anybody steers by hand. Each costs something at every decode step, also of others. */
const LOGIT_BIAS_ENTRIES_MAX = 1024;

/** Far more than there are parameters; those that are not known are kept and copied. */
const FIELDS_MAX = 1024;

const ENTRIES_MAX = { logit_bias: LOGIT_BIAS_ENTRIES_MAX, metadata: METADATA_PAIRS_MAX } as const;

/** @throws AiError `invalid_value` */
export function checkEntries(body: unknown): void {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return;
  const fields = Object.keys(body).length;
  if (fields > FIELDS_MAX) {
    const message = `The request body may have at most ${FIELDS_MAX} fields, but it has ${fields}.`;
    throw new AiError("invalid_value", message);
  }
  for (const [param, entriesMax] of Object.entries(ENTRIES_MAX)) {
    const table: unknown = Reflect.get(body, param);
    if (typeof table !== "object" || table === null) continue;
    const entries = Object.keys(table).length;
    if (entries <= entriesMax) continue;
    const message = `Invalid '${param}': expected at most ${entriesMax} entries, but got ${entries}.`;
    throw new AiError("invalid_value", message, { param });
  }
}
