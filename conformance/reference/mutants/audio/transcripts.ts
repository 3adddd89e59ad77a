/** Transcripts in the wrong format, with the wrong times or words, and streams that are not what clients read. */

import {
  TRANSCRIPT_ENDPOINTS,
  TRANSCRIPTIONS,
  type TranscriptEndpoint,
} from "../../../checks/support/transcript-calls.ts";
import { isMedia, isRefusal, type Media } from "../../operations/operation.ts";
import {
  composeCue,
  encodePlain,
  encodeTranscript,
  encodeTranscriptEvents,
  listOf,
  type Segment,
  type TranscriptAnswer,
} from "../../operations/transcript.ts";
import {
  isStream,
  type Mutant,
  mutateOperation,
  mutateReply,
  omit,
  oneWrite,
  readReply,
  withHeader,
} from "../mutant.ts";

type Change = (answer: TranscriptAnswer) => unknown;

interface Row {
  /** Behind the endpoint in the mutant's id. */
  readonly slug: string;
  readonly description: string;
  /** Behind the endpoint in the ids of checks. */
  readonly intended: readonly string[];
  /** Of whole answers in this format; undefined: where none was requested. */
  readonly format: string | undefined;
  readonly change: Change;
}

function jsonOf(answer: TranscriptAnswer): Record<string, unknown> {
  const body = encodeTranscript(answer);
  return typeof body === "object" && body !== null && !isMedia(body) ? { ...body } : {};
}

function retype(contentType: string): Change {
  return (answer): Media => {
    const body = encodeTranscript(answer);
    return { contentType, bytes: isMedia(body) ? body.bytes : Buffer.from(JSON.stringify(body)) };
  };
}

function backwards({ start, end, ...rest }: Segment): Segment {
  return { ...rest, start: end + 1, end: start };
}

const cues = ({ segments }: TranscriptAnswer, point: string): string =>
  segments.map((segment) => composeCue(segment, point)).join("");

const ROWS: readonly Row[] = [
  {
    slug: "other-key",
    description: "JSON has the text under another key",
    intended: ["json.body"],
    format: "json",
    change: (answer) => ({ ...omit(jsonOf(answer), "text"), transcript: answer.text }),
  },
  {
    slug: "quoted-text",
    description: "a text is written as a JSON string",
    intended: ["text.body"],
    format: "text",
    change: ({ text }) => encodePlain(JSON.stringify(text)),
  },
  {
    slug: "srt-points",
    description: "SubRip times have points",
    intended: ["srt.body"],
    format: "srt",
    change: (answer) => encodePlain(cues(answer, ".")),
  },
  {
    slug: "vtt-unsigned",
    description: "WebVTT has no signature",
    intended: ["vtt.body"],
    format: "vtt",
    change: (answer) => encodePlain(cues(answer, ".")),
  },
  {
    slug: "verbose-without-text",
    description: "a verbose answer has segments alone",
    intended: ["verbose-json.body"],
    format: "verbose_json",
    change: (answer) => omit(jsonOf(answer), "text"),
  },
  {
    slug: "json-as-text",
    description: "JSON is called plain text",
    intended: ["json.content-type"],
    format: "json",
    change: retype("text/plain"),
  },
  {
    slug: "text-as-json",
    description: "a text is called JSON",
    intended: ["text.content-type"],
    format: "text",
    change: retype("application/json"),
  },
  {
    slug: "srt-as-json",
    description: "SubRip is called JSON",
    intended: ["srt.content-type"],
    format: "srt",
    change: retype("application/json"),
  },
  {
    slug: "vtt-as-json",
    description: "WebVTT is called JSON",
    intended: ["vtt.content-type"],
    format: "vtt",
    change: retype("application/json"),
  },
  {
    slug: "verbose-as-text",
    description: "a verbose answer is called plain text",
    intended: ["verbose-json.content-type"],
    format: "verbose_json",
    change: retype("text/plain"),
  },
  {
    slug: "text-by-default",
    description: "without a format the answer is a text",
    intended: ["default-format", "sdk"],
    format: undefined,
    change: ({ text }) => encodePlain(text),
  },
  {
    slug: "srt-backwards",
    description: "SubRip times end before they begin",
    intended: ["srt.times"],
    format: "srt",
    change: ({ segments }) =>
      encodePlain(segments.map((segment, index) => `${index + 1}\n${composeCue(backwards(segment), ",")}`).join("")),
  },
  {
    slug: "vtt-backwards",
    description: "WebVTT times end before they begin",
    intended: ["vtt.times"],
    format: "vtt",
    change: ({ segments }) =>
      encodePlain(`WEBVTT\n\n${segments.map((segment) => composeCue(backwards(segment), ".")).join("")}`),
  },
  {
    slug: "no-language",
    description: "a verbose answer has no language",
    intended: ["verbose-json.shape"],
    format: "verbose_json",
    change: (answer) => omit(jsonOf(answer), "language"),
  },
  {
    slug: "part-of-segment",
    description: "segments lack the probability that nobody speaks",
    intended: ["verbose-json.segments"],
    format: "verbose_json",
    change: (answer) => ({
      ...jsonOf(answer),
      ...("segments" in jsonOf(answer) && {
        segments: answer.segments.map((segment) => omit(segment, "no_speech_prob")),
      }),
    }),
  },
  {
    slug: "segments-reversed",
    description: "the last segment comes first",
    intended: ["verbose-json.times"],
    format: "verbose_json",
    change: (answer) => ({
      ...jsonOf(answer),
      ...("segments" in jsonOf(answer) && { segments: answer.segments.toReversed() }),
    }),
  },
  {
    slug: "language-code",
    description: "the language is a code",
    intended: ["verbose-json.language"],
    format: "verbose_json",
    change: (answer) => ({ ...jsonOf(answer), language: "en" }),
  },
  {
    slug: "other-words",
    description: "a text has other words than JSON",
    intended: ["same-text"],
    format: "text",
    change: ({ text }) => encodePlain(`${text} Thanks for watching!\n`),
  },
  {
    slug: "invents",
    description: "silence has a text",
    intended: ["silence"],
    format: "json",
    change: (answer) => (answer.text === "" ? { ...jsonOf(answer), text: "Thank you." } : jsonOf(answer)),
  },
];

function defineRow(endpoint: TranscriptEndpoint, { slug, description, intended, format, change }: Row): Mutant {
  const naming = {
    id: `audio.${endpoint.slug}-${slug}`,
    description: `${endpoint.slug}: ${description}`,
    intended: intended.map((check) => `audio.${endpoint.slug}.${check}`),
  };
  return mutateOperation(naming, endpoint.operation, ({ encode }) => ({
    encode: (answer) => (answer.request["response_format"] === format ? change(answer) : encode(answer)),
  }));
}

const ROUNDTRIPS = ["wav", "mp3", "opus", "flac"].map((format) => `audio.roundtrip.${format}`);

function defineMilliseconds(endpoint: TranscriptEndpoint): Mutant {
  const { slug, operation } = endpoint;
  const naming = {
    id: `audio.${slug}-milliseconds`,
    description: `${slug}: the duration is in milliseconds`,
    intended: [`audio.${slug}.verbose-json.duration`, ...(endpoint === TRANSCRIPTIONS ? ROUNDTRIPS : [])],
  };
  return mutateOperation(naming, operation, ({ encode }) => ({
    encode: (answer) =>
      answer.request["response_format"] === "verbose_json"
        ? { ...jsonOf(answer), duration: answer.seconds * 1000 }
        : encode(answer),
  }));
}

/** Changes verbose answers to transcriptions. */
function mutateVerbose(slug: string, description: string, intended: readonly string[], change: Change): Mutant {
  const naming = {
    id: `audio.${slug}`,
    description,
    intended: intended.map((check) => `audio.transcriptions.${check}`),
  };
  return mutateOperation(naming, "createTranscription", ({ encode }) => ({
    encode: (answer) => (answer.request["response_format"] === "verbose_json" ? change(answer) : encode(answer)),
  }));
}

const wantsWords = ({ request }: TranscriptAnswer): boolean =>
  listOf(request, "timestamp_granularities").includes("word");
const isBracketed = ({ request }: TranscriptAnswer): boolean => Array.isArray(request["timestamp_granularities"]);
const withoutWords = (answer: TranscriptAnswer): object => ({
  ...omit(jsonOf(answer), "words"),
  segments: answer.segments,
});

const wordMutants: readonly Mutant[] = [
  mutateVerbose("brackets-unknown", "granularities[] is another name", ["words.requested"], (answer) =>
    wantsWords(answer) && isBracketed(answer) ? withoutWords(answer) : jsonOf(answer),
  ),
  mutateVerbose(
    "brackets-demanded",
    "granularities without brackets are another name",
    ["words.plain-name"],
    (answer) => (wantsWords(answer) && !isBracketed(answer) ? withoutWords(answer) : jsonOf(answer)),
  ),
  mutateVerbose("always-words", "words come unasked", ["words.absent"], (answer) => ({
    ...jsonOf(answer),
    words: answer.words,
  })),
  mutateVerbose("words-alone", "words replace segments", ["words.with-segments"], (answer) =>
    wantsWords(answer) ? omit(jsonOf(answer), "segments") : jsonOf(answer),
  ),
  mutateVerbose("words-reversed", "the last word comes first", ["words.times", "words.spell-text"], (answer) =>
    wantsWords(answer) ? { ...jsonOf(answer), words: answer.words.toReversed() } : jsonOf(answer),
  ),
  mutateVerbose("last-word-lost", "the last word has no times", ["words.spell-text"], (answer) =>
    wantsWords(answer) ? { ...jsonOf(answer), words: answer.words.slice(0, -1) } : jsonOf(answer),
  ),
];

/** Changes the events of streamed transcriptions. */
function mutateEvents(
  slug: string,
  description: string,
  intended: readonly string[],
  change: (events: readonly object[], answer: TranscriptAnswer) => readonly object[],
): Mutant {
  const naming = {
    id: `audio.${slug}`,
    description,
    intended: intended.map((check) => `audio.transcriptions.stream.${check}`),
  };
  return mutateOperation(naming, "createTranscription", () => ({
    encodeStream: (answer) => change(encodeTranscriptEvents(answer), answer),
  }));
}

const isDelta = (event: object): event is { readonly type: string; readonly delta: string } => "delta" in event;

const streamMutants: readonly Mutant[] = [
  // As a gateway does that reads the stream of its upstream as a text.
  mutateReply(
    {
      id: "audio.stream-in-json",
      description: "a streamed transcription is JSON whose text is the events",
      intended: ["audio.transcriptions.stream.head"],
    },
    (reply, { operation }) => operation === "createTranscription" && isStream(reply),
    (reply) => ({
      ...withHeader(reply, "content-type", "application/json"),
      writes: oneWrite(JSON.stringify({ text: readReply(reply) })),
    }),
  ),
  mutateEvents("stream-chunks", "deltas are chunks", ["deltas"], (events) =>
    events.map((event) => (isDelta(event) ? { ...event, type: "transcription.chunk" } : event)),
  ),
  mutateEvents("delta-as-text", "a delta has its text under another key", ["shape"], (events) =>
    events.map((event) => (isDelta(event) ? { type: event.type, text: event.delta } : event)),
  ),
  mutateEvents("no-done", "a stream of a transcription ends after its deltas", ["done"], (events) =>
    events.filter(isDelta),
  ),
  mutateEvents("done-cut", "the last event has the first sentence", ["joined", "same-text"], (events, { text }) =>
    events.map((event) => (isDelta(event) ? event : { ...event, text: text.slice(0, text.indexOf(",")) })),
  ),
  mutateEvents("deltas-trimmed", "deltas have no blanks between them", ["joined"], (events) =>
    events.map((event) => (isDelta(event) ? { ...event, delta: event.delta.trim() } : event)),
  ),
  mutateEvents("other-model-streams", "a stream has other words than JSON", ["same-text"], () => [
    { type: "transcript.text.delta", delta: "Something else." },
    { type: "transcript.text.done", text: "Something else." },
  ]),
  mutateEvents("delta-with-error", "a delta has an error beside its text", ["sdk"], (events) =>
    events.map((event, index) => (index === 0 ? { ...event, error: { message: "warming up" } } : event)),
  ),
];

/** Each word is another one, at the same time. */
function deafen(heard: TranscriptAnswer): TranscriptAnswer {
  const mumble = (text: string): string => text.replaceAll(/[^ ]+/g, "mm");
  return {
    ...heard,
    text: mumble(heard.text),
    words: heard.words.map((word) => ({ ...word, word: mumble(word.word) })),
    segments: heard.segments.map((segment) => ({ ...segment, text: mumble(segment.text) })),
  };
}

export const transcriptMutants: readonly Mutant[] = [
  ...TRANSCRIPT_ENDPOINTS.flatMap((endpoint) => [
    ...ROWS.map((row) => defineRow(endpoint, row)),
    defineMilliseconds(endpoint),
  ]),
  mutateOperation(
    {
      id: "audio.usage-of-nothing",
      description: "a transcription counts no seconds",
      intended: ["audio.transcriptions.usage"],
    },
    "createTranscription",
    ({ encode }) => ({
      encode: (answer) =>
        answer.request["response_format"] === "json"
          ? { text: answer.text, usage: { type: "duration", seconds: 0 } }
          : encode(answer),
    }),
  ),
  mutateOperation(
    {
      id: "audio.deaf",
      description: "no word is understood",
      intended: ["audio.transcriptions.hears-words", "audio.roundtrip.words"],
    },
    "createTranscription",
    ({ answer }) => ({
      answer: (request, context) => {
        const heard = answer(request, context);
        return isRefusal(heard) ? heard : deafen(heard);
      },
    }),
  ),
  ...wordMutants,
  ...streamMutants,
];
