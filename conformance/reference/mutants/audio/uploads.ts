/** Forms that are not read, recordings that should have been refused, and bodies that are read for whoever sends them. */

import type { HttpOperationId } from "@openai-compat/spec";
import { SPOKEN } from "../../../checks/support/recordings.ts";
import {
  TRANSCRIPT_ENDPOINTS,
  TRANSCRIPTIONS,
  type TranscriptEndpoint,
} from "../../../checks/support/transcript-calls.ts";
import { readWave } from "../../../checks/support/wave.ts";
import type { ReferenceCall } from "../../call.ts";
import { TRANSCRIPTION_MODELS } from "../../models.ts";
import type { Fields } from "../../operations/operation.ts";
import { TRANSCRIPT_RULES, type TranscriptRule, validateTranscript } from "../../operations/transcript.ts";
import { makeRefusal } from "../../refusal.ts";
import { type Mutant, mutateOperation, mutateReply, oneWrite } from "../mutant.ts";

function readForm({ body }: ReferenceCall): string {
  return Buffer.from(body ?? []).toString("latin1");
}

/** The header of the WAV file in a form. */
function readHeader({ body }: ReferenceCall) {
  const bytes = Buffer.from(body ?? []);
  const start = bytes.indexOf("RIFF", 0, "latin1");
  return start === -1 ? null : readWave(bytes.subarray(start));
}

/** What a form has that a parser chokes on, by the check of it. */
const CHOKES_ON: Readonly<Record<string, (call: ReferenceCall) => boolean>> = {
  "file-first": (call) =>
    readForm(call).startsWith('--conformance-boundary\r\ncontent-disposition: form-data; name="file"'),
  "no-file-name": (call) => readForm(call).includes('name="file"\r\ncontent-type'),
  blob: (call) => readForm(call).includes('filename="blob"'),
  "wrong-name": (call) => readForm(call).includes('filename="speech.mp3"'),
  "no-content-type": (call) => readForm(call).includes('filename="speech.wav"\r\n\r\n'),
  "unicode-name": (call) => readForm(call).includes('filename="Gespr'),
  chunked: ({ headers }) => headers["transfer-encoding"] === "chunked",
  "quoted-boundary": ({ headers }) => headers["content-type"]?.includes('boundary="') === true,
  preamble: (call) => readForm(call).startsWith("This is a form."),
  "unknown-field": (call) => readForm(call).includes('name="conformance"'),
  "rate-44100": (call) => readHeader(call)?.sampleRate === 44_100,
  "unknown-length": (call) => readHeader(call)?.claimedBytes === 0xff_ff_ff_ff,
  "zero-length": (call) => readHeader(call)?.claimedBytes === 0 && readForm(call).length > SPOKEN.length,
};

function defineChokes({ slug, operation }: TranscriptEndpoint): readonly Mutant[] {
  return Object.entries(CHOKES_ON).map(([variant, chokes]) => {
    const naming = {
      id: `audio.${slug}-chokes-on-${variant}`,
      description: `${slug}: a form of the kind ${variant} is not read`,
      intended: [`audio.${slug}.uploads.${variant}`],
    };
    return mutateOperation(naming, operation, ({ decode }) => ({
      decode: (call, reader) => (chokes(call) ? { refusal: makeRefusal("bad_json") } : decode(call, reader)),
    }));
  });
}

const COMMON_DEMANDS: Readonly<Record<string, string>> = {
  "no-file": "file",
  "text-as-file": "upload",
  "not-audio": "audio",
  "empty-file": "empty",
  format: "response_format",
};
const TRANSCRIPTION_DEMANDS: Readonly<Record<string, string>> = {
  language: "language",
  stream: "stream",
  granularity: "granularity",
  "granularity-format": "granularity_format",
  include: "include",
  chunking: "chunking_strategy",
};

function taskOf({ operation }: TranscriptEndpoint): "transcribe" | "translate" {
  return operation === "createTranscription" ? "transcribe" : "translate";
}

/** Replaces one demand on requests. */
function mutateRule(
  endpoint: TranscriptEndpoint,
  naming: Omit<Mutant, "mutate">,
  rule: string,
  demand: TranscriptRule,
): Mutant {
  const rules = { ...TRANSCRIPT_RULES[taskOf(endpoint)], [rule]: demand };
  return mutateOperation(naming, endpoint.operation, () => ({ validate: validateTranscript(rules) }));
}

function accept(
  endpoint: TranscriptEndpoint,
  check: string,
  rule: string,
  demand: TranscriptRule = () => null,
): Mutant {
  const naming = {
    id: `audio.${endpoint.slug}-accepts-${check}`,
    description: `${endpoint.slug}: a request of the kind ${check} is answered`,
    intended: [`audio.${endpoint.slug}.refuses.${check}`],
  };
  return mutateRule(endpoint, naming, rule, demand);
}

/** Reads another model than was named. */
function replaceModel(
  { slug, operation }: TranscriptEndpoint,
  check: string,
  isReplaced: (model: unknown) => boolean,
): Mutant {
  const naming = {
    id: `audio.${slug}-accepts-${check}`,
    description: `${slug}: another model answers`,
    intended: [`audio.${slug}.refuses.${check}`],
  };
  const repair = (fields: Fields) =>
    isReplaced(fields["model"]) ? { ...fields, model: TRANSCRIPTION_MODELS[0] } : fields;
  return mutateOperation(naming, operation, ({ decode }) => ({
    decode: (call, reader) => {
      const decoded = decode(call, reader);
      return "fields" in decoded ? { fields: repair(decoded.fields) } : decoded;
    },
  }));
}

function defineAccepts(endpoint: TranscriptEndpoint): readonly Mutant[] {
  const { slug, operation } = endpoint;
  const demands = { ...COMMON_DEMANDS, ...(endpoint === TRANSCRIPTIONS ? TRANSCRIPTION_DEMANDS : {}) };
  const isWord = (value: unknown): boolean => Number.isNaN(Number(value));
  const { temperature } = TRANSCRIPT_RULES[taskOf(endpoint)];
  return [
    ...Object.entries(demands).map(([check, rule]) => accept(endpoint, check, rule)),
    accept(endpoint, "temperature", "temperature", (request) =>
      isWord(request["temperature"]) ? (temperature?.(request) ?? null) : null,
    ),
    accept(endpoint, "temperature-word", "temperature", (request) =>
      isWord(request["temperature"]) ? null : (temperature?.(request) ?? null),
    ),
    replaceModel(endpoint, "unknown-model", (model) => model === "conformance-no-such-model"),
    replaceModel(endpoint, "chat-model", (model) => model === "reference-chat"),
    replaceModel(endpoint, "no-model", (model) => model === undefined),
    mutateRule(
      endpoint,
      {
        id: `audio.${slug}-fails-on-letters`,
        description: `${slug}: what is no recording is an error of the server`,
        intended: [`audio.${slug}.refuses.not-audio`, `audio.${slug}.refusal-not-retried`],
      },
      "audio",
      (request) => {
        const refusal = TRANSCRIPT_RULES.transcribe["audio"]?.(request) ?? null;
        return refusal === null ? null : makeRefusal("upstream_failed");
      },
    ),
    mutateReply(
      {
        id: `audio.${slug}-fails-on-size`,
        description: `${slug}: a recording that is too large is an error of the server`,
        intended: [`audio.${slug}.refuses.too-large`],
      },
      ({ status }, call) => status === 413 && call.operation === operation,
      () => ({ status: 500, writes: oneWrite("Internal Server Error") }),
    ),
  ];
}

function readFirst(slug: string, operation: HttpOperationId): Mutant {
  return {
    id: `audio.${slug}-read-first`,
    description: `${slug}: a body is read before it is looked at who sent it`,
    intended: [`audio.${slug}.unread.unauthenticated`, `audio.${slug}.unread.no-capability`],
    mutate: ({ readsBodyFirst }) => ({
      readsBodyFirst: (call) => call.operation === operation || readsBodyFirst(call),
    }),
  };
}

/** Recordings of the target's own speech that can't be decoded. */
const UNDECODED: Readonly<Record<string, (file: Buffer) => boolean>> = {
  wav: (file) => readWave(file)?.sampleRate === 24_000,
  mp3: (file) => file.toString("latin1", 0, 3) === "ID3",
  opus: (file) => file.toString("latin1", 0, 4) === "OggS",
  flac: (file) => file.toString("latin1", 0, 4) === "fLaC",
};

const decodingMutants: readonly Mutant[] = Object.entries(UNDECODED).map(([format, isFormat]) =>
  mutateRule(
    TRANSCRIPTIONS,
    { id: `audio.no-${format}`, description: `${format} is not decoded`, intended: [`audio.roundtrip.${format}`] },
    "format",
    ({ file }) => {
      const bytes =
        typeof file === "object" && file !== null && "bytes" in file && file.bytes instanceof Uint8Array
          ? file.bytes
          : null;
      return bytes !== null && isFormat(Buffer.from(bytes)) ? makeRefusal("invalid_value", { param: "file" }) : null;
    },
  ),
);

/** Those that make checks wait come first. */
export const uploadMutants: readonly Mutant[] = [
  readFirst("transcriptions", "createTranscription"),
  readFirst("translations", "createTranslation"),
  readFirst("speech", "createSpeech"),
  ...TRANSCRIPT_ENDPOINTS.flatMap((endpoint) => [...defineAccepts(endpoint), ...defineChokes(endpoint)]),
  ...decodingMutants,
];
