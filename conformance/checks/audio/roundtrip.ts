/** Checks of what a target hears in what it has spoken itself: its own files are as good a fixture as any. */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectStatus, expectThat } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { bodyBytes } from "../../src/response-body.ts";
import { requireStatus } from "../support/envelope.ts";
import { SPOKEN_WORDS } from "../support/recordings.ts";
import { askFormat, requireSeconds, SPOKEN_TEXT, type SpeechFormat } from "../support/speech-calls.ts";
import { askTranscript, requireBody, requireText, TRANSCRIPTIONS } from "../support/transcript-calls.ts";
import { measureWordErrors, WORD_ERRORS_MAX } from "../support/word-errors.ts";
import { OWNERS } from "../support/owners.ts";

const ROUNDTRIP = { ...TRANSCRIPTIONS.check, needs: ["model:transcription", "model:speech"] } as const;

/** What codecs add at both ends, and how differently a voice speaks. */
const TOLERANCE = 0.3;

function defineDecoded(format: SpeechFormat): Check {
  return defineCheck({
    ...ROUNDTRIP,
    id: `audio.roundtrip.${format}`,
    level: "should",
    requirement: `A recording in ${format} is transcribed, and is as long as it is.`,
    reference: "OpenAPI CreateTranscriptionRequest.file: flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav, webm",
    breaks: "Browsers and phones record no WAV; xorbitsai/inference#3661.",
    async run(context) {
      requireStatus(await askTranscript(context, TRANSCRIPTIONS), 200);
      const seconds = await requireSeconds(context);
      const spoken = await askFormat(context, format);
      requireStatus(spoken, 200);
      const options = { file: bodyBytes(spoken) };
      const heard = await askTranscript(context, TRANSCRIPTIONS, {
        ...options,
        fields: { response_format: "verbose_json" },
      });
      expectStatus(heard, 200);
      const { duration } = requireBody(heard);
      if (typeof duration !== "number")
        throw new Inconclusive("there is no duration, which another check judges", OWNERS.heardFacts);
      const holds = Math.abs(duration / seconds - 1) <= TOLERANCE;
      expectThat(holds, { observer: "wire", expected: `about ${seconds.toFixed(2)} s`, actual: `${duration} s` });
    },
  });
}

function expectWords(said: string, heard: string): void {
  const errors = measureWordErrors(said, heard);
  const expected = `${JSON.stringify(said)}, but for ${WORD_ERRORS_MAX} of its words`;
  expectThat(errors <= WORD_ERRORS_MAX, { observer: "wire", expected, actual: JSON.stringify(heard) });
}

export const roundtripChecks: readonly Check[] = [
  // Of the containers that both endpoints have.
  ...(["wav", "mp3", "opus", "flac"] as const).map(defineDecoded),
  defineCheck({
    ...ROUNDTRIP,
    id: "audio.roundtrip.words",
    tier: "model",
    requirement: "What the target speaks it understands: a sentence comes back with few wrong words.",
    reference: "OpenAPI createSpeech, createTranscription",
    breaks: "Voice assistants, which speak to people who hear as little of it.",
    async run(context) {
      const spoken = await askFormat(context, "wav");
      requireStatus(spoken, 200);
      const heard = await askTranscript(context, TRANSCRIPTIONS, { file: bodyBytes(spoken) });
      requireStatus(heard, 200, OWNERS.spokenHeard);
      expectWords(SPOKEN_TEXT, requireText(heard, "json"));
    },
  }),
  defineCheck({
    ...TRANSCRIPTIONS.check,
    id: "audio.transcriptions.hears-words",
    tier: "model",
    requirement: "The words of a clear recording are in the text of its transcription.",
    reference: "OpenAPI createTranscription",
    breaks: "A model that was loaded or fed wrong writes fluent text that nobody said.",
    async run(context) {
      const heard = await askTranscript(context, TRANSCRIPTIONS);
      expectWords(SPOKEN_WORDS, requireText(heard, "json"));
    },
  }),
];
