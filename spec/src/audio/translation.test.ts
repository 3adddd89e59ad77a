import { expect, test } from "vitest";
import { decodeForm } from "../shared/decode-form.ts";
import { flattenIssues } from "../shared/flatten-issues.ts";
import { validateShape } from "../shared/validate-shape.ts";
import { createTranslationRequestSchema } from "./translation-request.ts";
import { createTranslationResponseSchema, createTranslationResponseVerboseJsonSchema } from "./translation-response.ts";

function requestPaths(...fields: [string, unknown][]): string[] {
  const form = decodeForm([["file", new File(["RIFF"], "blob")], ["model", "m"], ...fields]);
  const result = createTranslationRequestSchema.safeParse(form);
  return flattenIssues(result.error?.issues ?? []).map((issue) => issue.path);
}

test("every documented field is accepted at once, and unknown fields are kept", () => {
  expect(requestPaths(["prompt", "p"], ["response_format", "vtt"], ["temperature", "1"], ["language", "de"])).toEqual(
    [],
  );
});

test("a translation is never diarized, and its temperature lies between 0 and 1", () => {
  expect(requestPaths(["response_format", "diarized_json"])).toEqual(["response_format"]);
  expect(requestPaths(["temperature", "-0.1"])).toEqual(["temperature"]);
});

test("plain and verbose answers are accepted, and a verbose one is whole", () => {
  const verbose = { task: "translate", language: "english", duration: 2.5, text: "Hello", segments: [] };
  for (const answer of [{ text: "" }, verbose]) expect(createTranslationResponseSchema.parse(answer)).toEqual(answer);
  const pathsOf = (change: Record<string, unknown>): string[] =>
    validateShape(createTranslationResponseVerboseJsonSchema, { ...verbose, ...change }).map((issue) => issue.path);
  expect(pathsOf({ duration: undefined })).toEqual(["duration"]);
  expect(pathsOf({ segments: [{ id: 0 }] })).toContain("segments[0].no_speech_prob");
  expect(createTranslationResponseSchema.safeParse({ language: "english" }).success).toBe(false);
});
