/** Speech in the wrong format or at the wrong speed, and requests for speech that should have been refused, or not. */

import { isJsonObject } from "../../../src/expect.ts";
import { SPEECH_MODELS } from "../../models.ts";
import {
  answerSpeech,
  CONTENT_TYPES,
  encodeSound,
  encodeSpeech,
  encodeSpeechEvents,
  type Speech,
  SPEECH_RULES,
  type SpeechRule,
  validateSpeech,
} from "../../operations/create-speech.ts";
import type { Fields, Media } from "../../operations/operation.ts";
import { makeRefusal } from "../../refusal.ts";
import { type Mutant, mutateOperation, mutateRefusal, mutateReply, omit } from "../mutant.ts";

function name(slug: string, description: string, checks: readonly string[]) {
  return { id: `audio.speech-${slug}`, description, intended: checks.map((check) => `audio.speech.${check}`) };
}

/** Changes the files of one format. */
function mutateFile(
  naming: Omit<Mutant, "mutate">,
  format: string,
  change: (file: Media, speech: Speech) => Media,
): Mutant {
  return mutateOperation(naming, "createSpeech", () => ({
    encode: (speech) => (speech.format === format ? change(encodeSpeech(speech), speech) : encodeSpeech(speech)),
  }));
}

/** Answers another request than was sent. */
function mutateRequest(naming: Omit<Mutant, "mutate">, change: (request: Fields) => Fields): Mutant {
  return mutateOperation(naming, "createSpeech", () => ({ answer: (request) => answerSpeech(change(request)) }));
}

function mutateRule(naming: Omit<Mutant, "mutate">, rule: string, demand: SpeechRule): Mutant {
  return mutateOperation(naming, "createSpeech", () => ({
    validate: validateSpeech({ ...SPEECH_RULES, [rule]: demand }),
  }));
}

/** Sends one format for another, under the right content type. */
const SENT_FOR: Readonly<Record<string, string>> = {
  mp3: "wav",
  opus: "wav",
  aac: "wav",
  flac: "wav",
  wav: "flac",
  pcm: "wav",
};

const formatMutants: readonly Mutant[] = Object.keys(CONTENT_TYPES).flatMap((format) => {
  const sent = SENT_FOR[format] ?? "wav";
  const others = format === "mp3" ? ["default-format"] : [];
  return [
    mutateFile(
      name(`${sent}-for-${format}`, `${format} is ${sent}`, [`${format}.magic`, ...others]),
      format,
      (file, { milliseconds }) => ({
        ...file,
        bytes: encodeSound(sent, milliseconds),
      }),
    ),
    mutateFile(
      name(`${format}-called-other`, `${format} is called another format`, [`${format}.content-type`]),
      format,
      (file) => ({
        ...file,
        contentType: format === "mp3" ? "audio/wav" : "audio/mpeg",
      }),
    ),
  ];
});

function changeBytes(file: Media, change: (bytes: Buffer) => Uint8Array): Media {
  return { ...file, bytes: change(Buffer.from(file.bytes)) };
}

const fileMutants: readonly Mutant[] = [
  mutateFile(name("wav-of-no-length", "a WAV file says 0 for its length", ["wav.header"]), "wav", (file) =>
    changeBytes(file, (bytes) => {
      bytes.writeUInt32LE(0, 40);
      return bytes;
    }),
  ),
  mutateFile(name("pcm-at-16000", "pcm has 16,000 samples a second", ["pcm.rate"]), "pcm", (file) =>
    changeBytes(file, (bytes) => bytes.subarray(0, 2 * Math.floor(bytes.length / 3))),
  ),
  mutateFile(
    {
      id: "audio.speech-silent",
      description: "speech is silent",
      intended: ["audio.speech.audible", "audio.roundtrip.words"],
    },
    "wav",
    (file) => changeBytes(file, (bytes) => bytes.fill(0, 44)),
  ),
  mutateRequest(name("wav-by-default", "without a format speech is WAV", ["default-format"]), (request) =>
    request["response_format"] === undefined ? { ...request, response_format: "wav" } : request,
  ),
  mutateRequest(name("first-sentence", "only the first sentence is spoken", ["longer-text"]), (request) => ({
    ...request,
    input: String(request["input"]).slice(0, 40),
  })),
  mutateReply(
    name("empty-for-sdk", "who accepts any bytes gets none", ["sdk"]),
    ({ status }, { operation, headers }) =>
      status === 200 && operation === "createSpeech" && headers.accept === "application/octet-stream",
    () => ({ writes: [] }),
  ),
];

const SPEEDS: Readonly<Record<string, number>> = { quarter: 0.25, half: 0.5, double: 2, fourfold: 4 };

const speedMutants: readonly Mutant[] = Object.entries(SPEEDS).map(([slug, speed]) =>
  mutateRequest(name(`${slug}-speed-ignored`, `the speed ${speed} is ignored`, [`speed.${slug}`]), (request) =>
    request["speed"] === speed ? omit(request, "speed") : request,
  ),
);

const REFUSED: Readonly<Record<string, (request: Fields) => boolean>> = {
  "voice-object": ({ voice }) => isJsonObject(voice),
  instructions: ({ instructions }) => typeof instructions === "string",
  "null-is-omitted": ({ speed }) => speed === null,
  unicode: ({ input }) => /[^\0-\u007F]/.test(String(input)),
  "speed-limits": ({ speed }) => speed === 4,
};

const refusingMutants: readonly Mutant[] = Object.entries(REFUSED).map(([slug, isRefused]) =>
  mutateRule(
    name(`refuses-${slug}`, `a request of the kind ${slug} is refused`, [`accepts.${slug}`]),
    "mutant",
    (request) =>
      isRefused(request)
        ? makeRefusal("invalid_value", { param: slug === "speed-limits" ? "speed" : "conformance" })
        : null,
  ),
);

const DEMANDS: Readonly<Record<string, string>> = {
  "no-input": "input",
  "no-voice": "voice",
  "empty-input": "input_empty",
  "input-type": "input_type",
  "long-input": "input_length",
  "unknown-voice": "voice_name",
  format: "response_format",
  "stream-format": "stream_format",
  "speed-low": "speed_low",
  "speed-high": "speed_high",
  "speed-type": "speed_type",
};

const acceptingMutants: readonly Mutant[] = [
  ...Object.entries(DEMANDS).map(([check, rule]) =>
    mutateRule(
      name(`accepts-${check}`, `a request of the kind ${check} is answered`, [`refuses.${check}`]),
      rule,
      () => null,
    ),
  ),
  ...Object.entries({
    "unknown-model": "conformance-no-such-model",
    "chat-model": "reference-chat",
    "no-model": undefined,
  }).map(([check, model]) =>
    mutateOperation(
      name(`accepts-${check}`, "another model speaks", [`refuses.${check}`]),
      "createSpeech",
      ({ decode }) => ({
        decode: (call, reader) => {
          const decoded = decode(call, reader);
          const isReplaced = "fields" in decoded && decoded.fields["model"] === model;
          return isReplaced ? { fields: { ...decoded.fields, model: SPEECH_MODELS[0] } } : decoded;
        },
      }),
    ),
  ),
  mutateRule(
    name("fails-on-voice", "an unknown voice is an error of the server", [
      "refuses.unknown-voice",
      "refusal-not-retried",
    ]),
    "voice_name",
    ({ voice }) => (voice === "conformance-no-such-voice" ? makeRefusal("upstream_failed") : null),
  ),
  mutateRefusal(
    name("voices-unsaid", "the refusal of a voice names none", ["unknown-voice-lists-voices"]),
    ({ param }, { operation }) => operation === "createSpeech" && param === "voice",
    ({ type, code, param }) => ({ error: { message: "There is no such voice.", type, param, code } }),
  ),
];

/** Changes the events of streamed speech. */
function mutateEvents(
  slug: string,
  description: string,
  check: string,
  change: (events: readonly object[], speech: Speech) => readonly object[],
): Mutant {
  return mutateOperation(name(slug, description, [`stream.${check}`]), "createSpeech", () => ({
    encodeStream: (speech) => change(encodeSpeechEvents(speech), speech),
  }));
}

const streamMutants: readonly Mutant[] = [
  mutateRequest(name("stream-ignored", "speech as events is bytes", ["stream.head"]), (request) =>
    omit(request, "stream_format"),
  ),
  mutateEvents("delta-as-delta", "a piece of audio has another key", "deltas", (events) =>
    events.map((event) => ("audio" in event ? { type: "speech.audio.delta", delta: event.audio } : event)),
  ),
  mutateEvents("no-done", "speech as events ends after its pieces", "done", (events) =>
    events.filter((event) => "audio" in event),
  ),
  mutateEvents("stream-of-mp3", "speech as events is mp3 whatever was requested", "file", (_events, speech) =>
    encodeSpeechEvents({ ...speech, format: "mp3" }),
  ),
];

export const speechMutants: readonly Mutant[] = [
  ...formatMutants,
  ...fileMutants,
  ...speedMutants,
  ...refusingMutants,
  ...acceptingMutants,
  ...streamMutants,
];
