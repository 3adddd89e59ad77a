/** The reference server's transcriptions and translations: it hears the same words in every recording. */

import { TRANSCRIPTION_MODELS } from "../models.ts";
import { makeRefusal } from "../refusal.ts";
import { decodeForm } from "./decode-body.ts";
import type { Answer, ReferenceOperation } from "./operation.ts";

/** What a recording costs, whatever its length. */
const COST = 16;
const TEXT = "The sea is wide.";

export const createTranscription: ReferenceOperation = {
  isBilled: true,
  decode: decodeForm,
  validate({ model, file }) {
    if (typeof model !== "string") return makeRefusal("missing_parameter", { param: "model" });
    return typeof file === "object" ? null : makeRefusal("missing_parameter", { param: "file" });
  },
  serves: ({ id }) => TRANSCRIPTION_MODELS.includes(id),
  estimate: () => COST,
  answer: (request): Answer => ({ request, cost: COST, breaksAfter: null }),
  encode: () => ({ text: TEXT }),
};
