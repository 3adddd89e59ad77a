/** Checks of speech: formats, what is in the files, speed, voices, and speech as events. */

import { createSpeechResponseStreamEventSchema, validateShape } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import {
  assume,
  expectHeader,
  expectSdkValue,
  expectStatus,
  expectThat,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { bodyBytes, describeExchange } from "../../src/response-body.ts";
import { requireStatus } from "../support/envelope.ts";
import {
  askFormat,
  CONTENT_TYPES,
  MAGIC,
  requireSeconds,
  sendSpeech,
  SPEECH,
  SPEECH_FORMATS,
  type SpeechFormat,
  SPOKEN_TEXT,
  startOf,
} from "../support/speech-calls.ts";
import { readWave } from "../support/wave.ts";
import { OWNERS } from "../support/owners.ts";

const FORMAT = { ...SPEECH, reference: "OpenAPI CreateSpeechRequest.response_format" } as const;
const PCM_RATE = 24_000;
/** Some voices speak a text a little differently each time. */
const TOLERANCE = 0.3;

function isNear(actual: number, expected: number): boolean {
  return Math.abs(actual / expected - 1) <= TOLERANCE;
}

function defineFormat(format: SpeechFormat): readonly Check[] {
  return [
    defineCheck({
      ...FORMAT,
      id: `audio.speech.${format}.magic`,
      requirement: `With the \`response_format\` ${format} the bytes of the speech are ${format}, or it is refused with 400.`,
      breaks:
        "Players and voice agents get WAV for opus or a header for samples: noise, or nothing; livekit/agents-js#2320.",
      async run(context) {
        const exchange = await askFormat(context, format);
        expectStatus(exchange, 200);
        const bytes = bodyBytes(exchange);
        const actual = JSON.stringify(startOf(bytes));
        expectThat(bytes.length > 0 && MAGIC[format].test(startOf(bytes)), {
          observer: "wire",
          expected: format,
          actual,
        });
      },
    }),
    defineCheck({
      ...FORMAT,
      id: `audio.speech.${format}.content-type`,
      requirement: `With the \`response_format\` ${format} the content type says so.`,
      breaks: "LiteLLM, SillyTavern and LiveKit look at it; BerriAI/litellm#38798.",
      async run(context) {
        const exchange = await askFormat(context, format);
        requireStatus(exchange, 200);
        expectHeader(exchange, "content-type", CONTENT_TYPES[format]);
      },
    }),
  ];
}

const SPEEDS = [
  { slug: "quarter", speed: 0.25 },
  { slug: "half", speed: 0.5 },
  { slug: "double", speed: 2 },
  { slug: "fourfold", speed: 4 },
] as const;

function defineSpeed({ slug, speed }: (typeof SPEEDS)[number]): Check {
  return defineCheck({
    ...SPEECH,
    id: `audio.speech.speed.${slug}`,
    level: "should",
    requirement: `With the \`speed\` ${speed} a text takes about 1/${speed} of its time.`,
    reference: "OpenAPI CreateSpeechRequest.speed",
    breaks: "Users who listen at another speed hear no difference, or half a text.",
    async run(context) {
      const seconds = await requireSeconds(context);
      const exchange = await sendSpeech(context, { speed });
      throwIfUnsupported(exchange, "speed");
      requireStatus(exchange, 200);
      const changed = await requireSeconds(context, { speed });
      const expected = `about ${(seconds / speed).toFixed(2)} s`;
      expectThat(isNear(changed, seconds / speed), { observer: "wire", expected, actual: `${changed.toFixed(2)} s` });
    },
  });
}

const STREAM = {
  ...SPEECH,
  reference: "OpenAPI CreateSpeechResponseStreamEvent",
  breaks: "LiveKit asks for events of every model but tts-1: no audio, and no exception; vllm-project/vllm-omni#4490.",
} as const;
const DELTA = "speech.audio.delta";
const DONE = "speech.audio.done";

async function openStream(context: CheckContext) {
  const exchange = await sendSpeech(context, { stream_format: "sse" });
  throwIfUnsupported(exchange, "stream_format");
  return exchange;
}

/** @throws Inconclusive */
async function requireEvents(context: CheckContext): Promise<readonly JsonObject[]> {
  const exchange = await openStream(context);
  return assume("a stream of events", OWNERS.speechEvents, () => {
    expectStatus(exchange, 200);
    expectHeader(exchange, "content-type", /^text\/event-stream\b/i);
    return jsonFrames(exchange);
  });
}

const streamChecks: readonly Check[] = [
  defineCheck({
    ...STREAM,
    id: "audio.speech.stream.head",
    requirement: "With `stream_format` sse speech is answered with `text/event-stream`, or refused with 400.",
    async run(context) {
      const exchange = await openStream(context);
      expectStatus(exchange, 200);
      expectHeader(exchange, "content-type", /^text\/event-stream\b/i);
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.speech.stream.deltas",
    requirement: "The audio of speech as events is in `audio` of events of the type `speech.audio.delta`, in base64.",
    async run(context) {
      const deltas = (await requireEvents(context)).filter(({ type }) => type === DELTA);
      const issues = deltas.flatMap((event) => validateShape(createSpeechResponseStreamEventSchema, event));
      const actual = `${deltas.length} of them; ${issues.map(({ path, message }) => `${path}: ${message}`).join("; ")}`;
      const holds = deltas.length > 0 && issues.length === 0;
      expectThat(holds, { observer: "schema", expected: "deltas with audio", actual });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.speech.stream.done",
    requirement: "Speech as events ends with one event of the type `speech.audio.done` that has the usage.",
    async run(context) {
      const events = await requireEvents(context);
      const last = events.at(-1);
      const issues = last?.["type"] === DONE ? validateShape(createSpeechResponseStreamEventSchema, last) : ["no end"];
      const count = events.filter(({ type }) => type === DONE).length;
      const actual = `${count} of them, the last event is ${JSON.stringify(last)?.slice(0, 200)}`;
      expectThat(issues.length === 0 && count === 1, {
        observer: "schema",
        expected: `one ${DONE} at the end`,
        actual,
      });
    },
  }),
  defineCheck({
    ...STREAM,
    id: "audio.speech.stream.file",
    requirement: "The pieces of speech as events, joined, are a file of the requested format.",
    async run(context) {
      const pieces = (await requireEvents(context)).flatMap(({ type, audio }) =>
        type === DELTA && typeof audio === "string" ? [Buffer.from(audio, "base64")] : [],
      );
      if (pieces.length === 0)
        throw new Inconclusive("no event has audio, which another check judges", OWNERS.speechDeltas);
      const wave = readWave(Buffer.concat(pieces));
      const holds = wave !== null && wave.data.length > 0;
      expectThat(holds, {
        observer: "wire",
        expected: "a WAV file",
        actual: JSON.stringify(startOf(Buffer.concat(pieces))),
      });
    },
  }),
];

const fileChecks: readonly Check[] = [
  defineCheck({
    ...FORMAT,
    id: "audio.speech.default-format",
    requirement: "Without a `response_format` speech is mp3.",
    reference: "OpenAPI CreateSpeechRequest.response_format: default mp3",
    breaks: "Clients that write the answer to `speech.mp3`, as OpenAI's example does.",
    async run(context) {
      requireStatus(await askFormat(context, "mp3"), 200);
      const exchange = await sendSpeech(context, { response_format: undefined });
      expectStatus(exchange, 200);
      const start = startOf(bodyBytes(exchange));
      expectThat(MAGIC.mp3.test(start), { observer: "wire", expected: "mp3", actual: JSON.stringify(start) });
    },
  }),
  defineCheck({
    ...FORMAT,
    id: "audio.speech.wav.header",
    requirement:
      "A WAV file of speech has a header with a rate, channels and bits, and a length that is right or not known yet.",
    reference: "Multimedia Programming Interface and Data Specifications 1.0; OpenAPI createSpeech",
    breaks: "Players stop at once where the length is 0 or a small one, and play noise at a wrong rate.",
    async run(context) {
      const exchange = await askFormat(context, "wav");
      requireStatus(exchange, 200);
      const wave = readWave(bodyBytes(exchange));
      if (wave === null)
        throw new Inconclusive("the answer is no WAV file, which another check judges", OWNERS.speechWave);
      const { encoding, channels, sampleRate, bits, claimedBytes, data } = wave;
      const isSane =
        [1, 3].includes(encoding) && [1, 2].includes(channels) && sampleRate >= 8000 && sampleRate <= 48_000;
      const isLength = claimedBytes >= 0x7f_ff_f0_00 || claimedBytes === data.length;
      const actual = JSON.stringify({ encoding, channels, sampleRate, bits, claimedBytes, bytes: data.length });
      expectThat(isSane && [16, 24, 32].includes(bits) && isLength, {
        observer: "wire",
        expected: "a sensible header",
        actual,
      });
    },
  }),
  defineCheck({
    ...FORMAT,
    id: "audio.speech.pcm.rate",
    requirement: "`pcm` is 16-bit samples of one channel, 24,000 a second, and nothing else.",
    reference: "OpenAI text-to-speech guide: pcm; huggingface/speech-to-speech#531",
    breaks: "Voice agents play it as it is: too fast, too slow, or clicks.",
    async run(context) {
      const seconds = await requireSeconds(context);
      const exchange = await askFormat(context, "pcm");
      requireStatus(exchange, 200);
      const bytes = bodyBytes(exchange).length;
      const holds = bytes % 2 === 0 && isNear(bytes / 2 / PCM_RATE, seconds);
      const expected = `about ${seconds.toFixed(2)} s, as the WAV file of the same text`;
      expectThat(holds, {
        observer: "wire",
        expected,
        actual: `${bytes} bytes, ${(bytes / 2 / PCM_RATE).toFixed(2)} s`,
      });
    },
  }),
  defineCheck({
    ...FORMAT,
    id: "audio.speech.audible",
    requirement: "Speech is audible: its samples are not all the same.",
    breaks: "A voice that was loaded wrong, or none, sends silence of the right length.",
    async run(context) {
      const exchange = await askFormat(context, "wav");
      requireStatus(exchange, 200);
      const wave = readWave(bodyBytes(exchange));
      if (wave === null || wave.bits !== 16)
        throw new Inconclusive("the answer is no WAV file of 16 bits", OWNERS.speechWave);
      const samples = new Int16Array(new Uint8Array(wave.data.subarray(0, wave.data.length & ~1)).buffer);
      const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
      expectThat(loudest > 300, { observer: "wire", expected: "samples above 300", actual: `${loudest} at most` });
    },
  }),
  defineCheck({
    ...SPEECH,
    id: "audio.speech.longer-text",
    requirement: "A text of three times the length takes longer to speak.",
    reference: "OpenAPI CreateSpeechRequest.input",
    breaks: "Only the first sentence is spoken, and the rest is missing without a word.",
    async run(context) {
      const seconds = await requireSeconds(context);
      const longer = await requireSeconds(context, { input: Array.from({ length: 3 }, () => SPOKEN_TEXT).join(" ") });
      const expected = `more than ${(seconds * 2).toFixed(2)} s`;
      expectThat(longer > seconds * 2, { observer: "wire", expected, actual: `${longer.toFixed(2)} s` });
    },
  }),
  defineCheck({
    ...SPEECH,
    id: "audio.speech.sdk",
    requirement: "The SDK gets the bytes of a speech.",
    reference: "openai-node resources/audio/speech.ts",
    breaks: "Every client that speaks through the official SDK.",
    async run(context) {
      requireStatus(await askFormat(context, "wav"), 200);
      const request = {
        model: String(context.models.speech),
        input: SPOKEN_TEXT,
        voice: "alloy",
        response_format: "wav",
      } as const;
      const outcome = await context.sdk(async (client) => (await client.audio.speech.create(request)).arrayBuffer());
      const { byteLength } = expectSdkValue(outcome);
      expectThat(byteLength > 44, { observer: "sdk", expected: "bytes", actual: `${byteLength} bytes` });
    },
  }),
];

interface AcceptedRow {
  readonly slug: string;
  readonly what: string;
  readonly fields: JsonObject;
  readonly breaks: string;
}

const ACCEPTED: readonly AcceptedRow[] = [
  {
    slug: "voice-object",
    what: "whose `voice` is an object with an `id`",
    fields: { voice: { id: "alloy" } },
    breaks: "Newer SDKs send voices so; a server that knows texts alone answers 500.",
  },
  {
    slug: "instructions",
    what: "with `instructions`",
    fields: { instructions: "Speak slowly." },
    breaks: "Clients of gpt-4o-mini-tts send them with every request.",
  },
  {
    slug: "null-is-omitted",
    what: "whose optional parameters are null",
    fields: { speed: null, instructions: null, stream_format: null },
    breaks: "Typed clients that serialise absent fields as null get a 400.",
  },
  {
    slug: "unicode",
    what: "whose text has accents, emoji and other scripts",
    fields: { input: "Café für 5 €, 日本 😀!" },
    breaks: "Chats are read aloud, and their texts are like that.",
  },
  {
    slug: "speed-limits",
    what: "at the limits of `speed`",
    fields: { speed: 4 },
    breaks: "Sliders go up to what the documentation allows.",
  },
];

function defineAccepted({ slug, what, fields, breaks }: AcceptedRow): Check {
  return defineCheck({
    ...SPEECH,
    id: `audio.speech.accepts.${slug}`,
    level: "should",
    requirement: `A request for speech ${what} is answered.`,
    reference: "OpenAPI CreateSpeechRequest",
    breaks,
    async run(context) {
      requireStatus(await askFormat(context, "wav"), 200);
      const exchange = await sendSpeech(context, fields);
      expectStatus(exchange, 200);
      const isAudio = /^audio\//i.test(exchange.response?.headers["content-type"] ?? "");
      expectThat(isAudio, { observer: "wire", expected: "audio", actual: describeExchange(exchange) });
    },
  });
}

export const speechChecks: readonly Check[] = [
  ...fileChecks,
  ...SPEECH_FORMATS.flatMap(defineFormat),
  ...SPEEDS.map(defineSpeed),
  ...ACCEPTED.map(defineAccepted),
  ...streamChecks,
];
