/** Checks of what is heard in a turn, against what another way of asking hears in the same words. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { requireOffered } from "../support/operation-probes.ts";
import { expectOn, REALTIME } from "../support/realtime-calls.ts";
import { everyRecord, requireCompleted, requireTurns } from "../support/realtime-records.ts";
import { askTranscript, requireText, TRANSCRIPTIONS } from "../support/transcript-calls.ts";
import { SPOKEN_WORDS } from "../support/recordings.ts";
import { countWordErrors, measureWordErrors, WORD_ERRORS_MAX } from "../support/word-errors.ts";

/** A recording has no pause after it: the last word may be heard otherwise. */
const OTHER_WORDS_MAX = 2;

/** The text that the other endpoint hears in the same words. @throws NotTestable where there is none */
async function requireBatchText(context: CheckContext): Promise<string> {
  await requireOffered(context, "createTranscription");
  const text = requireText(await askTranscript(context, TRANSCRIPTIONS), "json");
  if (measureWordErrors(SPOKEN_WORDS, text) <= WORD_ERRORS_MAX) return text;
  throw new Inconclusive(`the model does not understand the recording: ${text}`, "model");
}

export const realtimeTextCheck: Check = defineCheck({
  ...REALTIME,
  id: "realtime.turn.same-as-recording",
  tier: "model",
  requirement: "A turn has the text of the same words as a recording, within two words.",
  reference: "OpenAPI createTranscription; one model hears both",
  breaks: "What is spoken live is cut, resampled or decoded worse than what is uploaded.",
  async run(context) {
    const records = await everyRecord(context);
    const text = await requireBatchText(context);
    for (const record of records) {
      for (const turn of requireTurns(record)) {
        const heard = String(requireCompleted(record, turn).value["transcript"]);
        const holds = countWordErrors(text, heard) <= OTHER_WORDS_MAX;
        expectOn(record, holds, { observer: "wire", expected: text, actual: `${heard} (session ${record.name})` });
      }
    }
  },
});
