/**
 * JSON Schemas with values that can't be guessed, each with the shape that validates the answer. They use only what
 * OpenAI takes with `strict` unless a check is about more. Nothing here talks to the target.
 */

import type { z } from "zod";
import { expectThat, isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";

/** What a text of JSON has to be, once as it is sent and once as it is judged. */
export interface Form {
  readonly schema: JsonObject;
  readonly shape: z.ZodType;
}

/** Words of no language, so that only the schema can have put them into an answer. */
export const LOTS = ["zq-7301", "zq-7302", "zq-7303"] as const;

/** An object with these properties and no other; all are required by default. */
export function closedObject(properties: JsonObject, required = Object.keys(properties)): JsonObject {
  return { type: "object", properties, required, additionalProperties: false };
}

/** The text as JSON. @throws Failure by the wire */
export function expectJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    expectThat(false, { observer: "wire", expected: "JSON", actual: JSON.stringify(text) });
  }
}

/** @throws Failure by the schema */
export function expectFits(value: unknown, { shape }: Form): void {
  const { error } = shape.safeParse(value);
  const problems = error?.issues.map(({ path, message }) => `${path.join(".") || "(root)"}: ${message}`) ?? [];
  const actual = `${JSON.stringify(value)}: ${problems.join("; ")}`;
  expectThat(problems.length === 0, { observer: "schema", expected: "a value that fits the schema sent", actual });
}

/** An answer cut at its limit shows nothing: an output format makes no model come to an end. @throws Inconclusive */
export function requireUncut(choice: JsonObject): void {
  if (choice["finish_reason"] === "length")
    throw new Inconclusive("the model came to no end within the limit", "model");
  const { refusal } = isJsonObject(choice["message"]) ? choice["message"] : {};
  if (typeof refusal === "string" && refusal !== "") throw new Inconclusive("the model refused to answer", "model");
}
