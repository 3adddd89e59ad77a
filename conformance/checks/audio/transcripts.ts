/** Checks of transcripts, whole: the five formats, and what stands in each. */

import {
  createTranscriptionResponseVerboseJsonSchema,
  transcriptionSegmentSchema,
  validateShape,
} from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import { expectHeader, expectSdkValue, expectStatus, expectThat, type JsonObject } from "../../src/expect.ts";
import { Failure, Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import { bodyText, describeExchange } from "../../src/response-body.ts";
import { requireStatus } from "../support/envelope.ts";
import { SPOKEN, SPOKEN_SECONDS } from "../support/recordings.ts";
import { expectRestOfShape } from "../support/shape.ts";
import { composeSilence } from "../support/silence.ts";
import {
  askTranscript,
  readCues,
  readText,
  requireBody,
  requireList,
  requireText,
  requireTimes,
  TRANSCRIPT_ENDPOINTS,
  TRANSCRIPT_FORMATS,
  type TranscriptEndpoint,
  type TranscriptFormat,
  TRANSCRIPTIONS,
} from "../support/transcript-calls.ts";
import { OWNERS } from "../support/owners.ts";

/** Of a second: what rounding and a codec's padding make of a length. */
const TOLERANCE = 0.25;
const SILENT_SECONDS = 2;

interface FormatRow {
  readonly slug: string;
  readonly contentType: RegExp;
  readonly what: string;
  readonly breaks: string;
}

const FORMATS: Readonly<Record<TranscriptFormat, FormatRow>> = {
  json: {
    slug: "json",
    contentType: /^application\/json\b/i,
    what: "an object with the `text`",
    breaks: "Every client: `transcription.text` is undefined.",
  },
  text: {
    slug: "text",
    contentType: /^text\/plain\b/i,
    what: "the text itself, no JSON around it",
    breaks: "openai-python shows the text with quotes and escapes; pollinations/pollinations#11458.",
  },
  srt: {
    slug: "srt",
    contentType: /^(?:text\/plain|application\/x-subrip)\b/i,
    what: "numbered SubRip subtitles",
    breaks: "Players and ffmpeg refuse the file that whisper users save; open-webui/open-webui#25622.",
  },
  vtt: {
    slug: "vtt",
    contentType: /^text\/(?:plain|vtt)\b/i,
    what: "WebVTT, which begins with `WEBVTT`",
    breaks: "Browsers ignore a track without its signature.",
  },
  verbose_json: {
    slug: "verbose-json",
    contentType: /^application\/json\b/i,
    what: "an object with the `text` and its segments",
    breaks: "The Vercel AI SDK always asks for it, and reads nothing else.",
  },
};

function defineFormat(endpoint: TranscriptEndpoint, format: TranscriptFormat): readonly Check[] {
  const { slug, contentType, what, breaks } = FORMATS[format];
  const reference = "OpenAPI CreateTranscriptionRequest.response_format; openai-node internal/parse.ts";
  return [
    defineCheck({
      ...endpoint.check,
      id: `audio.${endpoint.slug}.${slug}.body`,
      requirement: `With the \`response_format\` ${format} the body of ${endpoint.operation} is ${what}.`,
      reference,
      breaks,
      async run(context) {
        const exchange = await askTranscript(context, endpoint, { fields: { response_format: format } });
        expectStatus(exchange, 200);
        const actual = describeExchange(exchange);
        expectThat(readText(exchange, format) !== null, { observer: "wire", expected: what, actual });
      },
    }),
    defineCheck({
      ...endpoint.check,
      id: `audio.${endpoint.slug}.${slug}.content-type`,
      requirement: `With the \`response_format\` ${format} the content type of ${endpoint.operation} fits the body.`,
      reference,
      breaks: "The SDKs parse by the content type: JSON comes back as a string, and a text throws a SyntaxError.",
      async run(context) {
        const exchange = await askTranscript(context, endpoint, { fields: { response_format: format } });
        requireStatus(exchange, 200);
        expectHeader(exchange, "content-type", contentType);
      },
    }),
  ];
}

function defineSubtitleTimes(endpoint: TranscriptEndpoint, format: "srt" | "vtt"): Check {
  return defineCheck({
    ...endpoint.check,
    id: `audio.${endpoint.slug}.${format}.times`,
    requirement: `The subtitles of ${format} of ${endpoint.operation} come in the order of their times, none ends before it starts or after the audio.`,
    reference: "WebVTT section 3.1; OpenAPI CreateTranscriptionRequest.response_format",
    breaks: "Players skip what goes back in time, and show the rest at the wrong moment.",
    async run(context) {
      const exchange = await askTranscript(context, endpoint, { fields: { response_format: format } });
      requireText(exchange, format);
      const cues = readCues(bodyText(exchange), format) ?? [];
      if (cues.length === 0) throw new Inconclusive("the model heard nothing", "model");
      expectOrder(cues.map(({ startMs, endMs }) => ({ start: startMs / 1000, end: endMs / 1000 })));
    },
  });
}

/** @throws Failure by the wire */
function expectOrder(times: readonly { readonly start: number; readonly end: number }[]): void {
  const holds = times.every(
    ({ start, end }, index) =>
      start >= (times[index - 1]?.start ?? 0) && end >= start && end <= SPOKEN_SECONDS + TOLERANCE,
  );
  const expected = `times in order, between 0 and ${SPOKEN_SECONDS} s`;
  const actual = times.map(({ start, end }) => `${start} to ${end}`).join(", ");
  expectThat(holds, { observer: "wire", expected, actual });
}

async function askVerbose(context: Parameters<Check["run"]>[0], endpoint: TranscriptEndpoint): Promise<JsonObject> {
  return requireBody(await askTranscript(context, endpoint, { fields: { response_format: "verbose_json" } }));
}

function defineVerbose(endpoint: TranscriptEndpoint): readonly Check[] {
  const verbose = { ...endpoint.check, reference: "OpenAPI CreateTranscriptionResponseVerboseJson" };
  const { slug, operation } = endpoint;
  return [
    defineCheck({
      ...verbose,
      id: `audio.${slug}.verbose-json.shape`,
      requirement: `The verbose answer of ${operation} has a language, a duration that is a number, and the text.`,
      breaks: "Clients with strict types, such as the Rust, Kotlin and .NET ones.",
      async run(context) {
        expectRestOfShape(
          await askVerbose(context, endpoint),
          createTranscriptionResponseVerboseJsonSchema,
          /^(?:text|segments.*|words.*)$/,
        );
      },
    }),
    defineCheck({
      ...verbose,
      id: `audio.${slug}.verbose-json.segments`,
      requirement: `Each segment of the verbose answer of ${operation} has all ten fields.`,
      reference: "OpenAPI TranscriptionSegment; vercel/ai openai-transcription-api.ts; speaches-ai/speaches#86",
      breaks: "The Vercel AI SDK refuses the whole answer where a field of a segment is missing.",
      async run(context) {
        const { segments } = await askVerbose(context, endpoint);
        expectThat(Array.isArray(segments), { observer: "schema", expected: "segments", actual: typeof segments });
        if (segments.length === 0) throw new Inconclusive("the model heard nothing", "model");
        const issues = segments.flatMap((segment) => validateShape(transcriptionSegmentSchema, segment));
        const actual = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
        expectThat(issues.length === 0, { observer: "schema", expected: "all ten fields", actual });
      },
    }),
    defineCheck({
      ...verbose,
      id: `audio.${slug}.verbose-json.times`,
      requirement: `The segments of ${operation} come in the order of their times, none ends before it starts or after the audio.`,
      breaks: "Subtitle and caption tools place words before the ones that were said earlier.",
      async run(context) {
        expectOrder(requireTimes(requireList(await askVerbose(context, endpoint), "segments")));
      },
    }),
    defineCheck({
      ...verbose,
      id: `audio.${slug}.verbose-json.duration`,
      level: "should",
      requirement: `The \`duration\` in the verbose answer of ${operation} is that of the recording, in seconds.`,
      breaks: "Progress bars and bills that are computed from it.",
      async run(context) {
        const { duration } = await askVerbose(context, endpoint);
        if (typeof duration !== "number") throw new Inconclusive("there is no duration", OWNERS.heardFacts);
        const holds = Math.abs(duration - SPOKEN_SECONDS) <= TOLERANCE;
        expectThat(holds, { observer: "wire", expected: `${SPOKEN_SECONDS} s`, actual: String(duration) });
      },
    }),
    defineCheck({
      ...verbose,
      id: `audio.${slug}.verbose-json.language`,
      level: "should",
      requirement: `The \`language\` in the verbose answer of ${operation} is the English name of it, in lower case.`,
      reference: "OpenAPI CreateTranscriptionResponseVerboseJson.language; recorded answers: `english`",
      breaks: "Clients that map names to codes, as the Vercel AI SDK does, know no other spelling.",
      async run(context) {
        const { language } = await askVerbose(context, endpoint);
        if (typeof language !== "string") throw new Inconclusive("there is no language", OWNERS.heardFacts);
        const expected = "a name such as `english`";
        expectThat(/^[a-z]{4,}(?: [a-z]+)*$/.test(language), { observer: "wire", expected, actual: language });
      },
    }),
  ];
}

function defineGeneral(endpoint: TranscriptEndpoint): readonly Check[] {
  const { slug, operation, check } = endpoint;
  return [
    defineCheck({
      ...check,
      id: `audio.${slug}.sdk`,
      requirement: `A plain request of ${operation} is answered with a text that the SDK reads.`,
      reference: "openai-node resources/audio; OpenAPI CreateTranscriptionResponseJson",
      breaks: "Every client.",
      async run(context) {
        await askTranscript(context, endpoint);
        const model = String(context.models.transcription);
        const file = new File([SPOKEN], "speech.wav", { type: "audio/wav" });
        const outcome = await context.sdk(async (client) => client.audio[slug].create({ model, file }));
        const { text } = expectSdkValue(outcome);
        expectThat(typeof text === "string", { observer: "sdk", expected: "a text", actual: typeof text });
      },
    }),
    defineCheck({
      ...check,
      id: `audio.${slug}.default-format`,
      requirement: `Without a \`response_format\` the answer of ${operation} is JSON with the \`text\`.`,
      reference: "OpenAPI CreateTranscriptionRequest.response_format: default json",
      breaks: "Every client that leaves the format out, which is most of them.",
      async run(context) {
        const exchange = await askTranscript(context, endpoint, { fields: { response_format: undefined } });
        requireText(await askTranscript(context, endpoint), "json");
        expectStatus(exchange, 200);
        const actual = describeExchange(exchange);
        expectThat(readText(exchange, "json") !== null, { observer: "wire", expected: "JSON with a text", actual });
      },
    }),
    defineCheck({
      ...check,
      id: `audio.${slug}.same-text`,
      level: "should",
      requirement: `The text of ${operation} is the same in every format.`,
      reference: "OpenAPI CreateTranscriptionRequest.response_format",
      breaks: "Whoever stores the subtitles and searches the text finds nothing.",
      async run(context) {
        const texts: string[] = [];
        for (const format of TRANSCRIPT_FORMATS) {
          const exchange = await askTranscript(context, endpoint, {
            fields: { response_format: format, temperature: "0" },
          });
          texts.push(requireText(exchange, format));
        }
        const expected = JSON.stringify(texts[0]);
        const other = texts.find((text) => text !== texts[0]);
        expectThat(other === undefined, { observer: "wire", expected, actual: JSON.stringify(other) });
      },
    }),
    defineCheck({
      ...check,
      id: `audio.${slug}.silence`,
      level: "should",
      requirement: `A recording in which nobody speaks is answered by ${operation} with an empty text.`,
      reference: "Reported for Whisper without voice detection: invented sentences",
      breaks: "Dictation writes sentences that nobody said, or fails whenever a user says nothing.",
      async run(context) {
        requireText(await askTranscript(context, endpoint), "json");
        const exchange = await askTranscript(context, endpoint, { file: composeSilence(SILENT_SECONDS) });
        expectStatus(exchange, 200);
        const text = readText(exchange, "json");
        expectThat(text === "", { observer: "wire", expected: "an empty text", actual: JSON.stringify(text) });
      },
    }),
  ];
}

const usageCheck = defineCheck({
  ...TRANSCRIPTIONS.check,
  id: "audio.transcriptions.usage",
  level: "should",
  requirement: "`usage` of a transcription is the duration in seconds, or the tokens, and not less than there was.",
  reference: "OpenAPI CreateTranscriptionResponseJson.usage",
  breaks: "Budgets and bills; LiteLLM reads it.",
  async run(context) {
    const { usage } = requireBody(await askTranscript(context, TRANSCRIPTIONS));
    if (usage === undefined) throw new NotTestable("the answer has no usage, and need not have one");
    const { type, seconds, total_tokens: tokens }: JsonObject = Object.assign({}, usage);
    const isDuration =
      type === "duration" && Number(seconds) >= SPOKEN_SECONDS - TOLERANCE && Number(seconds) <= SPOKEN_SECONDS + 1;
    const isTokens = type === "tokens" && Number(tokens) > 0;
    if (isDuration || isTokens) return;
    throw new Failure({
      observer: "schema",
      expected: `about ${SPOKEN_SECONDS} s, or tokens`,
      actual: JSON.stringify(usage),
    });
  },
});

export const transcriptChecks: readonly Check[] = [
  ...TRANSCRIPT_ENDPOINTS.flatMap((endpoint) => [
    ...defineGeneral(endpoint),
    ...TRANSCRIPT_FORMATS.flatMap((format) => defineFormat(endpoint, format)),
    defineSubtitleTimes(endpoint, "srt"),
    defineSubtitleTimes(endpoint, "vtt"),
    ...defineVerbose(endpoint),
  ]),
  usageCheck,
];
