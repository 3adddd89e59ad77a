/**
 * The form of a transcription or a translation to a call: validated, every default applied, nothing silently ignored.
 */

import { AiError } from "@openai-compat/core";
import type { FormField, SpokenRequest } from "@openai-compat/core";
import {
  createTranscriptionRequestSchema,
  createTranslationRequestSchema,
  decodeForm,
  formBoolean,
} from "@openai-compat/spec";
import type { AudioResponseFormat } from "@openai-compat/spec";
import type { z } from "zod";
import { decodeBody } from "../decode-body.ts";
import { defineParameterRules, unsupportedParameter, unsupportedValue } from "../parameter-rules.ts";
import { decodeLanguage } from "./language-names.ts";
import { readRecording } from "./read-recording.ts";

/** How an answer is written. */
export type TranscriptFormat = Exclude<AudioResponseFormat, "diarized_json">;

export interface DecodedTranscription {
  readonly request: SpokenRequest;
  readonly format: TranscriptFormat;
  /** Of `verbose_json`. */
  readonly hasSegments: boolean;
}

const transcriptionSchema = createTranscriptionRequestSchema.omit({ file: true });
/** No SDK streams translations; servers do. */
const translationSchema = createTranslationRequestSchema
  .omit({ file: true })
  .extend({ stream: formBoolean().optional() });

type Transcription = z.output<typeof transcriptionSchema>;
type Translation = z.output<typeof translationSchema>;
type Common = Pick<Transcription, keyof Transcription & keyof Translation>;

/** @throws AiError with status 400, `param` naming what is wrong. */
export function decodeTranscription(fields: readonly FormField[]): DecodedTranscription {
  const { pieces } = readRecording(fields);
  const wire = decodeBody(transcriptionSchema, readTexts(fields));
  checkTranscription(wire);
  const granularities = wire.timestamp_granularities ?? ["segment"];
  const { language, languages, keywords = [], chunking_strategy: chunking } = wire;
  const spoken = language === undefined ? languages : [language];
  const detection =
    chunking === undefined || chunking === "auto"
      ? null
      : {
          threshold: chunking.threshold ?? DETECTION.threshold,
          prefixPaddingMs: chunking.prefix_padding_ms ?? DETECTION.prefixPaddingMs,
          silenceMs: chunking.silence_duration_ms ?? DETECTION.silenceMs,
        };
  return {
    request: {
      ...decodeCommon(wire, pieces),
      languages: spoken?.map(decodeLanguage) ?? null,
      // A model that is shown words beforehand is more likely to write them.
      prompt: [keywords.join(", "), wire.prompt ?? ""].filter((part) => part !== "").join("\n") || null,
      words: granularities.includes("word"),
      logprobs: wire.include?.includes("logprobs") === true,
      detection,
    },
    format: readFormat(wire),
    hasSegments: granularities.includes("segment"),
  };
}

/** OpenAI's. */
const DETECTION = { threshold: 0.5, prefixPaddingMs: 300, silenceMs: 200 };

/** @throws AiError with status 400, `param` naming what is wrong. */
export function decodeTranslation(fields: readonly FormField[]): DecodedTranscription {
  const { pieces } = readRecording(fields);
  const wire = decodeBody(translationSchema, readTexts(fields));
  checkTranslation(wire);
  return {
    request: {
      ...decodeCommon(wire, pieces),
      languages: null,
      prompt: wire.prompt ?? null,
      words: false,
      logprobs: false,
      detection: null,
    },
    format: readFormat(wire),
    hasSegments: true,
  };
}

function decodeCommon({ temperature = 0, stream = false }: Common, pieces: readonly Uint8Array[]) {
  return { pieces, temperature, stream };
}

function readFormat({
  response_format: format = "json",
}: {
  readonly response_format?: AudioResponseFormat | undefined;
}) {
  if (format === "diarized_json") throw noDiarization();
  return format;
}

/** A field without a text counts as left out: forms have no `null`. */
function readTexts(fields: readonly FormField[]) {
  return decodeForm(
    fields.flatMap((field): [string, unknown][] =>
      "value" in field && field.value !== "" ? [[field.name, field.value]] : [],
    ),
  );
}

const checkTranscription = defineParameterRules<Omit<Transcription, "file">>({
  model: "honoured",
  language: "honoured",
  languages: ({ language, languages }) =>
    language !== undefined && languages !== undefined
      ? new AiError("invalid_value", "Send either 'language' or 'languages', not both.", { param: "languages" })
      : null,
  keywords: "honoured",
  prompt: "honoured",
  response_format: ({ response_format: format }) => (format === "diarized_json" ? noDiarization() : null),
  temperature: "honoured",
  include: ({ include, response_format: format = "json" }) =>
    include !== undefined && include.length > 0 && format !== "json"
      ? unsupportedValue("include", "logprobs", "'logprobs' with the 'response_format' 'json'")
      : null,
  timestamp_granularities: ({ timestamp_granularities: granularities, response_format: format = "json" }) =>
    granularities !== undefined && format !== "verbose_json"
      ? unsupportedValue(
          "timestamp_granularities",
          granularities.join(", "),
          "any with the 'response_format' 'verbose_json'",
        )
      : null,
  stream: refuseStream,
  chunking_strategy: "honoured",
  known_speaker_names: ({ known_speaker_names: names }) =>
    names === undefined ? null : unsupportedParameter("known_speaker_names"),
  known_speaker_references: ({ known_speaker_references: references }) =>
    references === undefined ? null : unsupportedParameter("known_speaker_references"),
});

const checkTranslation = defineParameterRules<Omit<Translation, "file">>({
  model: "honoured",
  prompt: "honoured",
  response_format: "honoured",
  temperature: "honoured",
  stream: refuseStream,
});

/** The events of a stream have texts alone. */
function refuseStream({ stream, response_format: format = "json" }: Common): AiError | null {
  return stream !== true || format === "json" || format === "text"
    ? null
    : unsupportedValue("response_format", format, "'json' and 'text' with 'stream'");
}

function noDiarization(): AiError {
  const supported = "'json', 'text', 'srt', 'verbose_json', 'vtt'";
  return unsupportedValue("response_format", "diarized_json", `${supported} (local models don't tell speakers apart)`);
}
