/** Checks of how recordings are sent: forms as clients write them, and files that are not what they are called. */

import { type Check, defineCheck, type Level } from "../../src/check.ts";
import { expectStatus } from "../../src/expect.ts";
import type { FormPart } from "../support/multipart.ts";
import { SPOKEN } from "../support/recordings.ts";
import {
  type AskOptions,
  askTranscript,
  requireText,
  TRANSCRIPT_ENDPOINTS,
  type TranscriptEndpoint,
} from "../support/transcript-calls.ts";
import { composeWave, readWave } from "../support/wave.ts";

interface Variant {
  readonly slug: string;
  /** As the end of a sentence: "a form … is read". */
  readonly what: string;
  readonly options: AskOptions;
  readonly breaks: string;
  /** Default must. */
  readonly level?: Level;
}

const onFile = (change: (part: FormPart) => FormPart) => (parts: readonly FormPart[]) =>
  parts.map((part) => (part.name === "file" ? change(part) : part));

/** The recording with another rate, or in two channels. */
function resample({ sampleRate, channels }: { readonly sampleRate: number; readonly channels: number }): Uint8Array {
  const { data } = readWave(SPOKEN) ?? { data: Buffer.alloc(0) };
  const source = new Int16Array(new Uint8Array(data).buffer);
  const factor = sampleRate / 8000;
  const samples = new Int16Array(Math.floor(source.length * factor) * channels);
  for (const index of samples.keys()) samples[index] = source[Math.floor(index / channels / factor)] ?? 0;
  return composeWave({ samples, sampleRate, channels });
}

/** As a recorder writes it that streams: it does not know yet how long the recording will be. */
function claimLength(length: number): Uint8Array {
  const bytes = Buffer.from(SPOKEN);
  bytes.writeUInt32LE(length, 4);
  bytes.writeUInt32LE(length, 40);
  return new Uint8Array(bytes);
}

const VARIANTS: readonly Variant[] = [
  {
    slug: "file-first",
    what: "whose file comes before its other fields",
    options: { arrange: (parts) => parts.toReversed() },
    breaks: "openai-node keeps the caller's order; parsers that begin at the file never see the model.",
  },
  {
    slug: "no-file-name",
    what: "whose file has a content type and no name",
    options: { arrange: onFile(({ name, value, contentType = "audio/wav" }) => ({ name, value, contentType })) },
    breaks: "RFC 7578 makes the name optional; some HTTP clients leave it out for bytes.",
    level: "should",
  },
  {
    slug: "blob",
    what: "whose file is called `blob` and has the type `application/octet-stream`",
    options: { arrange: onFile((part) => ({ ...part, fileName: "blob", contentType: "application/octet-stream" })) },
    breaks: "Browsers call what they record so; openai-node calls a buffer `unknown_file`.",
  },
  {
    slug: "wrong-name",
    what: "whose file is called mp3 and is a WAV file",
    options: { arrange: onFile((part) => ({ ...part, fileName: "speech.mp3", contentType: "audio/mpeg" })) },
    breaks: "Apps that rename what a recorder gave them; the content says what it is.",
    level: "should",
  },
  {
    slug: "no-content-type",
    what: "whose file has a name and no content type",
    options: { arrange: onFile(({ name, value }) => ({ name, value, fileName: "speech.wav" })) },
    breaks: "Clients that build the form by hand.",
  },
  {
    slug: "unicode-name",
    what: "whose file has a name beyond ASCII",
    options: { arrange: onFile((part) => ({ ...part, fileName: "Gespräch 日本.wav" })) },
    breaks: "Everybody whose files are not named in English.",
  },
  {
    slug: "chunked",
    what: "that is sent in chunks, without a length",
    options: { headers: { "transfer-encoding": "chunked" } },
    breaks: "openai-node sends a file stream so; Open WebUI; CrispStrobe/CrispASR#451.",
  },
  {
    slug: "quoted-boundary",
    what: "whose boundary is quoted and has a blank in it",
    options: {
      form: { boundary: "conformance boundary" },
      headers: { "content-type": 'multipart/form-data; boundary="conformance boundary"' },
    },
    breaks: "Java's and .NET's HTTP clients quote boundaries (RFC 2046 section 5.1.1).",
    level: "should",
  },
  {
    slug: "preamble",
    what: "that has a text before its first boundary",
    options: { form: { preamble: "This is a form.\r\n" } },
    breaks: "Mail libraries that write forms put one there (RFC 2046 section 5.1.1).",
    level: "should",
  },
  {
    slug: "unknown-field",
    what: "with a field that nobody knows",
    options: { arrange: (parts) => [{ name: "conformance", value: "1" }, ...parts] },
    breaks: "Clients of other servers send parameters of theirs, and expect them to be ignored.",
    level: "should",
  },
  {
    slug: "rate-44100",
    what: "whose recording has 44,100 samples a second in two channels",
    options: { file: resample({ sampleRate: 44_100, channels: 2 }) },
    breaks: "What every sound card records.",
  },
  {
    slug: "unknown-length",
    what: "whose WAV file says 0xFFFFFFFF for its length",
    options: { file: claimLength(0xff_ff_ff_ff) },
    breaks: "Recorders and ffmpeg write that into a stream, and the speech endpoint of OpenAI does.",
    level: "should",
  },
  {
    slug: "zero-length",
    what: "whose WAV file says 0 for its length",
    options: { file: claimLength(0) },
    breaks: "Recorders that were interrupted before they could correct the header.",
    level: "should",
  },
];

function defineVariant(endpoint: TranscriptEndpoint, { slug, what, options, breaks, level = "must" }: Variant): Check {
  return defineCheck({
    ...endpoint.check,
    level,
    id: `audio.${endpoint.slug}.uploads.${slug}`,
    requirement: `A form of ${endpoint.operation} ${what} is read like any other.`,
    reference: "RFC 7578; openai-node internal/uploads.ts",
    breaks,
    async run(context) {
      requireText(await askTranscript(context, endpoint), "json");
      expectStatus(await askTranscript(context, endpoint, options), 200);
    },
  });
}

export const uploadChecks: readonly Check[] = TRANSCRIPT_ENDPOINTS.flatMap((endpoint) =>
  VARIANTS.map((variant) => defineVariant(endpoint, variant)),
);
