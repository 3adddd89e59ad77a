/**
 * Embedding requests as checks send them, and the vectors of an answer. `require…` leaves the caller inconclusive where
 * another check owns the defect; nothing here judges the target.
 */

import type { EmbeddingCreateParams } from "openai/resources";
import type { CheckContext, SdkOptions } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectJsonObject, expectStatus, expectThat, isJsonObject, type JsonObject } from "../../src/expect.ts";
import { answerOwners, OWNERS } from "./owners.ts";

export const TEXTS = ["The sea is wide.", "Taxes are due in April.", "A cat sleeps on the roof."] as const;
/** Servers that round differently in a batch stay above it; two different texts stay far below. */
const SAME_COSINE = 0.999;

/** Through the SDK, which asks for base64 where nobody names a format, as its callers do. */
export async function askEmbedding(
  context: CheckContext,
  fields: Readonly<Record<string, unknown>> = {},
  options: SdkOptions = {},
): Promise<Exchange> {
  const body = { model: context.models.embedding, input: TEXTS[0], encoding_format: "float", ...fields };
  // The SDK's types forbid what some checks are there to send.
  const request = body as unknown as EmbeddingCreateParams;
  return (await context.sdk((client) => client.embeddings.create(request), options)).exchange;
}

/** The items of what the SDK returned, which passes on what it got: none where that is no list. */
export function readSdkItems({ data }: { readonly data: unknown }): readonly JsonObject[] {
  return Array.isArray(data) ? data.filter(isJsonObject) : [];
}

/** The body of an answer. @throws Inconclusive */
export function requireList(exchange: Exchange): JsonObject {
  return assume("an embedding request is answered", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return expectJsonObject(exchange);
  });
}

/** The items of an answer. @throws Inconclusive */
export function requireItems(exchange: Exchange): readonly JsonObject[] {
  const { data } = requireList(exchange);
  return assume("the answer has items", OWNERS.vectors, () => {
    const items = Array.isArray(data) ? data.filter(isJsonObject) : [];
    expectThat(items.length > 0, { observer: "schema", expected: "a list of items", actual: JSON.stringify(data) });
    return items;
  });
}

/** The vectors of an answer that was asked for as numbers, as they stand. @throws Inconclusive */
export function requireVectors(exchange: Exchange): readonly (readonly number[])[] {
  return requireItems(exchange).map((item) =>
    assume("vectors are lists of numbers", OWNERS.vectors, () => expectNumbers(item)),
  );
}

/** @throws Failure */
export function expectNumbers({ embedding }: JsonObject): readonly number[] {
  const numbers = Array.isArray(embedding) ? embedding.filter((value) => Number.isFinite(value)) : [];
  const holds = Array.isArray(embedding) && numbers.length > 0 && numbers.length === embedding.length;
  expectThat(holds, { observer: "schema", expected: "a list of numbers", actual: describe(embedding) });
  return numbers;
}

/** The little-endian 32-bit floats of a base64 text. @throws Failure */
export function expectBase64({ embedding }: JsonObject): readonly number[] {
  const bytes = Buffer.from(typeof embedding === "string" ? embedding : "", "base64");
  const holds = bytes.length > 0 && bytes.length % 4 === 0;
  expectThat(holds, { observer: "schema", expected: "32-bit floats in base64", actual: describe(embedding) });
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
}

export function isSameDirection(first: readonly number[] | undefined, second: readonly number[] | undefined): boolean {
  return first !== undefined && second !== undefined && cosine(first, second) > SAME_COSINE;
}

/** Not a number where the vectors differ in length or one has none. */
export function cosine(first: readonly number[], second: readonly number[]): number {
  if (first.length !== second.length) return Number.NaN;
  const dot = first.reduce((sum, value, index) => sum + value * (second[index] ?? 0), 0);
  return dot / (Math.hypot(...first) * Math.hypot(...second));
}

function describe(value: unknown): string {
  return (JSON.stringify(value) ?? "nothing").slice(0, 200);
}
