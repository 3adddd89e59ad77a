/** Checks of the times of words: when they come, and what they have to be. */

import { transcriptionWordSchema, validateShape } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectStatus, expectThat, isJsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { SPOKEN_SECONDS } from "../support/recordings.ts";
import { askTranscript, requireBody, requireList, requireTimes, TRANSCRIPTIONS } from "../support/transcript-calls.ts";
import { OWNERS } from "../support/owners.ts";

const WORDS = {
  ...TRANSCRIPTIONS.check,
  reference: "OpenAPI CreateTranscriptionRequest.timestamp_granularities",
} as const;
const TOLERANCE = 0.25;
const WORD = { timestamp_granularities: ["word"] } as const;

async function ask(
  context: CheckContext,
  fields: Readonly<Record<string, string | readonly string[]>>,
): Promise<Exchange> {
  const exchange = await askTranscript(context, TRANSCRIPTIONS, {
    fields: { response_format: "verbose_json", ...fields },
  });
  throwIfUnsupported(exchange, "timestamp_granularities");
  return exchange;
}

/** @throws Inconclusive where the model heard nothing */
function requireHeard(text: unknown): void {
  if (text === "") throw new Inconclusive("the model heard nothing", "model");
}

/** The words of an answer, which this check is about. @throws Failure */
function expectWords(exchange: Exchange): readonly unknown[] {
  expectStatus(exchange, 200);
  const { words, text } = requireBody(exchange);
  requireHeard(text);
  const isThere = Array.isArray(words) && words.length > 0;
  expectThat(isThere, { observer: "schema", expected: "words", actual: JSON.stringify(words) });
  return words;
}

export const wordChecks: readonly Check[] = [
  defineCheck({
    ...WORDS,
    id: "audio.transcriptions.words.requested",
    requirement: "With `timestamp_granularities[]` word the verbose answer has words, each with its start and end.",
    reference: "openai-node internal/uploads.ts; OpenAPI TranscriptionWord; openai/openai-openapi#245",
    breaks: "The SDKs send the name with brackets; servers that read it without never give words.",
    async run(context) {
      const words = expectWords(await ask(context, WORD));
      const issues = words.flatMap((word) => validateShape(transcriptionWordSchema, word));
      const actual = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
      expectThat(issues.length === 0, { observer: "schema", expected: "word, start and end", actual });
    },
  }),
  defineCheck({
    ...WORDS,
    id: "audio.transcriptions.words.plain-name",
    level: "should",
    requirement: "`timestamp_granularities` without brackets means the same as with them.",
    reference: "OpenAPI CreateTranscriptionRequest.timestamp_granularities; speaches-ai/speaches#29",
    breaks: "Clients that build the form themselves, and curl commands from the documentation.",
    async run(context) {
      requireList(requireBody(await ask(context, WORD)), "words");
      expectWords(await ask(context, { timestamp_granularities: "word" }));
    },
  }),
  defineCheck({
    ...WORDS,
    id: "audio.transcriptions.words.absent",
    level: "should",
    requirement: "A verbose answer for which no words were requested has none.",
    breaks: "Words cost time to align, and double the size of an answer for nobody.",
    async run(context) {
      const { words } = requireBody(await ask(context, {}));
      expectThat(words === undefined || words === null, { observer: "schema", expected: "no words", actual: "words" });
    },
  }),
  defineCheck({
    ...WORDS,
    id: "audio.transcriptions.words.with-segments",
    requirement: "With the granularities word and segment the answer has both.",
    breaks: "Subtitle tools that place words within lines get one of the two.",
    async run(context) {
      const body = requireBody(await ask(context, { timestamp_granularities: ["word", "segment"] }));
      requireHeard(body["text"]);
      requireList(requireBody(await ask(context, WORD)), "words");
      const { words, segments } = body;
      const holds = [words, segments].every((list) => Array.isArray(list) && list.length > 0);
      const actual = `keys ${Object.keys(body).join(", ")}`;
      expectThat(holds, { observer: "schema", expected: "words and segments", actual });
    },
  }),
  defineCheck({
    ...WORDS,
    id: "audio.transcriptions.words.times",
    requirement: "Words come in the order of their times, and none ends before it starts or after the audio.",
    breaks: "Karaoke-like captions jump; cutting audio by words cuts the wrong piece.",
    async run(context) {
      const times = requireTimes(requireList(requireBody(await ask(context, WORD)), "words"));
      const holds = times.every(
        ({ start, end }, index) =>
          start >= (times[index - 1]?.start ?? 0) && end >= start && end <= SPOKEN_SECONDS + TOLERANCE,
      );
      const actual = times.map(({ start, end }) => `${start} to ${end}`).join(", ");
      expectThat(holds, { observer: "wire", expected: "times in order, within the recording", actual });
    },
  }),
  defineCheck({
    ...WORDS,
    id: "audio.transcriptions.words.spell-text",
    level: "should",
    requirement: "The words, joined, are the text.",
    breaks: "Editors that show words and search the text lose one another.",
    async run(context) {
      const body = requireBody(await ask(context, WORD));
      const words = requireList(body, "words").map((item) => (isJsonObject(item) ? String(item["word"]) : ""));
      if (typeof body["text"] !== "string")
        throw new Inconclusive("there is no text, which another check judges", OWNERS.heardFacts);
      const strip = (text: string) => text.replaceAll(/[^\p{L}\p{N}]/gu, "").toLowerCase();
      const [expected, actual] = [strip(body["text"]), strip(words.join(""))];
      expectThat(expected === actual, { observer: "wire", expected, actual });
    },
  }),
];
