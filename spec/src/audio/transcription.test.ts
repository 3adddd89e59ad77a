import { expect, test } from "vitest";
import type { z } from "zod";
import { decodeForm } from "../shared/decode-form.ts";
import { flattenIssues } from "../shared/flatten-issues.ts";
import { validateShape } from "../shared/validate-shape.ts";
import { createTranscriptionResponseStreamEventSchema } from "./transcription-event.ts";
import { createTranscriptionRequestSchema } from "./transcription-request.ts";
import {
  createTranscriptionResponseDiarizedJsonSchema,
  createTranscriptionResponseJsonSchema,
  createTranscriptionResponseSchema,
  createTranscriptionResponseVerboseJsonSchema,
} from "./transcription-response.ts";

const file = new File(["RIFF"], "unknown_file", { type: "application/octet-stream" });

function issuePaths(fields: [string, unknown][]): string[] {
  const result = createTranscriptionRequestSchema.safeParse(decodeForm([["file", file], ["model", "m"], ...fields]));
  return flattenIssues(result.error?.issues ?? []).map((issue) => issue.path);
}

test("a file and a model are enough, in either order", () => {
  expect(issuePaths([])).toEqual([]);
  expect(
    createTranscriptionRequestSchema.safeParse(
      decodeForm([
        ["model", "m"],
        ["file", file],
      ]),
    ).success,
  ).toBe(true);
});

test("every documented field is understood as the SDKs send it", () => {
  const fields: [string, unknown][] = [
    ["model", "org/whisper"],
    ["timestamp_granularities[]", "word"],
    ["timestamp_granularities[]", "segment"],
    ["file", file],
    ["language", "de"],
    ["languages[]", "de"],
    ["keywords[]", "Bern"],
    ["prompt", ""],
    ["response_format", "verbose_json"],
    ["temperature", "0.2"],
    ["include[]", "logprobs"],
    ["stream", "true"],
    ["chunking_strategy[type]", "server_vad"],
    ["chunking_strategy[prefix_padding_ms]", "300"],
    ["chunking_strategy[silence_duration_ms]", "200"],
    ["chunking_strategy[threshold]", "0.5"],
    ["known_speaker_names[]", "A"],
    ["known_speaker_references[]", "data:audio/wav;base64,"],
    ["hotwords", "kept"],
  ];
  const parsed = createTranscriptionRequestSchema.parse(decodeForm(fields));
  expect(Object.keys(parsed).sort()).toEqual(
    [...Object.keys(createTranscriptionRequestSchema.shape), "hotwords"].sort(),
  );
  expect(parsed).toMatchObject({
    timestamp_granularities: ["word", "segment"],
    temperature: 0.2,
    stream: true,
    chunking_strategy: { type: "server_vad", prefix_padding_ms: 300, silence_duration_ms: 200, threshold: 0.5 },
    hotwords: "kept",
  });
});

test("a list field may come without brackets", () => {
  expect(issuePaths([["timestamp_granularities", "word"]])).toEqual([]);
});

const fiveNames: [string, unknown][] = ["a", "b", "c", "d", "e"].map((name) => ["known_speaker_names[]", name]);

test.each<[[string, unknown][], string]>([
  [[["file", "twice"]], "file"],
  [[["model", "twice"]], "model"],
  [[["response_format", "xml"]], "response_format"],
  [[["temperature", "1.1"]], "temperature"],
  [[["temperature", "warm"]], "temperature"],
  [[["stream", "maybe"]], "stream"],
  [[["timestamp_granularities[]", "sentence"]], "timestamp_granularities[0]"],
  [[["include[]", "everything"]], "include[0]"],
  [[["chunking_strategy", "manual"]], "chunking_strategy"],
  [[["chunking_strategy[type]", "client_vad"]], "chunking_strategy.type"],
  [fiveNames, "known_speaker_names"],
])("%j is refused at %s", (fields, path) => {
  expect(issuePaths(fields)).toEqual([path]);
});

test("a file that is missing or sent as text is refused at its name", () => {
  for (const fields of [{}, { file: "RIFF" }]) {
    const result = createTranscriptionRequestSchema.safeParse({ model: "m", ...fields });
    expect(result.error?.issues.map((issue) => issue.path)).toEqual([["file"]]);
  }
});

function shapePaths(schema: z.ZodType, value: unknown): string[] {
  return validateShape(schema, value).map((issue) => issue.path);
}

const tokenUsage = { type: "tokens", input_tokens: 37, output_tokens: 12, total_tokens: 49 };
const segment = {
  id: 0,
  seek: 0,
  start: 0,
  end: 3.3,
  text: " The beach was a popular spot.",
  tokens: [50364, 440],
  temperature: 0,
  avg_logprob: -0.28,
  compression_ratio: 1.2,
  no_speech_prob: 0.009,
};
const verbose = {
  task: "transcribe",
  language: "english",
  duration: 8.47,
  text: "The beach was a popular spot.",
  segments: [segment],
  words: [{ word: "The", start: 0, end: 0.2 }],
  usage: { type: "duration", seconds: 9 },
};
const spoken = { type: "transcript.text.segment", id: "seg_0", start: 0, end: 1.5, text: "Hi", speaker: "A" };
const diarized = { task: "transcribe", duration: 1.5, text: "Hi", segments: [spoken], usage: tokenUsage };

test("answers as OpenAI sends them are accepted, each by its own shape and by that of the operation", () => {
  for (const [schema, answer] of [
    [createTranscriptionResponseJsonSchema, { text: "", usage: { type: "duration", seconds: 4 } }],
    [
      createTranscriptionResponseJsonSchema,
      { text: "Hi", usage: tokenUsage, logprobs: [{ token: "Hi", bytes: [72] }] },
    ],
    [createTranscriptionResponseVerboseJsonSchema, verbose],
    [createTranscriptionResponseDiarizedJsonSchema, diarized],
  ] as const) {
    expect(shapePaths(schema, answer)).toEqual([]);
    expect(createTranscriptionResponseSchema.parse(answer)).toEqual(answer);
  }
});

test.each(Object.keys(segment))("a segment without %s is refused", (key) => {
  const answer = { ...verbose, segments: [{ ...segment, [key]: undefined }] };
  expect(shapePaths(createTranscriptionResponseVerboseJsonSchema, answer)).toEqual([`segments[0].${key}`]);
});

test.each([
  [{ language: undefined }, "language"],
  [{ duration: "8.47" }, "duration"],
  [{ words: [{ word: "The", start: 0 }] }, "words[0].end"],
  [{ usage: tokenUsage }, "usage.type"],
])("a verbose answer with %j is refused at %s", (change, path) => {
  expect(shapePaths(createTranscriptionResponseVerboseJsonSchema, { ...verbose, ...change })).toContain(path);
});

test("a diarized segment names its speaker", () => {
  const answer = { ...diarized, segments: [{ ...spoken, speaker: null }] };
  expect(shapePaths(createTranscriptionResponseDiarizedJsonSchema, answer)).toEqual(["segments[0].speaker"]);
});

test("the events of a stream are accepted: delta, segment and done", () => {
  const accepts = (event: unknown): boolean => createTranscriptionResponseStreamEventSchema.safeParse(event).success;
  expect(accepts({ type: "transcript.text.delta", delta: "Ruby", obfuscation: "x" })).toBe(true);
  expect(accepts(spoken)).toBe(true);
  expect(accepts({ type: "transcript.text.done", text: "Ruby", usage: tokenUsage })).toBe(true);
});

test.each([
  [{ type: "transcription.chunk", delta: "Ruby" }, "type"],
  [{ type: "transcript.text.delta", text: "Ruby" }, "delta"],
  [{ type: "transcript.text.done" }, "text"],
  [{ ...spoken, end: undefined }, "end"],
])("the event %j is refused at %s", (event, path) => {
  expect(shapePaths(createTranscriptionResponseStreamEventSchema, event)).toEqual([path]);
});
