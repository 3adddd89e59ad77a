/**
 * Embeddings in the wrong format, the wrong order or of the wrong length, and requests that should have been refused.
 */

import { EMBEDDING_MODEL } from "../../models.ts";
import { answerEmbedding, type EmbeddingItem, type EmbeddingList } from "../../operations/create-embedding.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { type Mutant, mutateOperation, type Naming } from "../mutant.ts";

function mutateList(naming: Naming, change: (list: EmbeddingList, body: ChatBody) => unknown): Mutant {
  return mutateOperation(naming, "createEmbedding", () => ({
    encode: ({ list, request }) => change(list, request),
  }));
}

function mutateItems(
  naming: Naming,
  change: (items: readonly EmbeddingItem[], body: ChatBody) => readonly object[],
): Mutant {
  return mutateList(naming, (list, body) => ({ ...list, data: change(list.data, body) }));
}

/** Reads another request than was sent. */
function repairRequest(naming: Naming, repair: (body: ChatBody) => ChatBody): Mutant {
  return mutateOperation(naming, "createEmbedding", ({ decode }) => ({
    decode: (call, reader) => {
      const decoded = decode(call, reader);
      return "fields" in decoded ? { fields: repair(decoded.fields) } : decoded;
    },
  }));
}

/** Answers what a wrong request might have meant. */
function accept(slug: string, description: string, repair: (body: ChatBody) => ChatBody | null): Mutant {
  return repairRequest(
    { id: `embeddings.accepts-${slug}`, description, intended: [`embeddings.refuses.${slug}`] },
    (body) => repair(body) ?? body,
  );
}

function scale(items: readonly EmbeddingItem[], factor: number): readonly object[] {
  return items.map((item) => ({
    ...item,
    embedding: typeof item.embedding === "string" ? item.embedding : item.embedding.map((value) => value * factor),
  }));
}

const isBatch = (items: readonly unknown[]): boolean => items.length > 1;

export const embeddingMutants: readonly Mutant[] = [
  mutateItems(
    {
      id: "embeddings.format-ignored",
      description: "vectors are numbers whatever was asked for",
      intended: ["embeddings.base64"],
    },
    (items, body) =>
      answerEmbedding({ ...body, encoding_format: "float" }).data.map(({ embedding }, index) => ({
        ...items[index],
        embedding,
      })),
  ),
  mutateItems(
    {
      id: "embeddings.always-base64",
      description: "vectors are base64 whatever was asked for",
      intended: ["embeddings.float"],
    },
    (_items, body) => [...answerEmbedding({ ...body, encoding_format: "base64" }).data],
  ),
  mutateItems(
    {
      id: "embeddings.base64-of-doubles",
      description: "base64 holds 64-bit floats",
      intended: ["embeddings.base64"],
    },
    (items, body) => {
      if (body["encoding_format"] !== "base64") return items;
      return answerEmbedding({ ...body, encoding_format: "float" }).data.map((item) => ({
        ...item,
        embedding: Buffer.from(Float64Array.from(item.embedding, Number).buffer).toString("base64"),
      }));
    },
  ),
  mutateItems(
    {
      id: "embeddings.reversed",
      description: "a batch comes back in the opposite order",
      intended: ["embeddings.order"],
    },
    (items) => items.map((item, index) => ({ ...item, embedding: items.at(-1 - index)?.embedding })),
  ),
  mutateItems(
    {
      id: "embeddings.index-from-one",
      description: "indices count from 1",
      intended: ["embeddings.index"],
    },
    (items) => items.map((item) => ({ ...item, index: item.index + 1 })),
  ),
  mutateItems(
    {
      id: "embeddings.first-only",
      description: "of a batch only the first input is answered",
      intended: ["embeddings.batch", "embeddings.index", "embeddings.order", "embeddings.tokens"],
    },
    (items) => items.slice(0, 1),
  ),
  mutateItems(
    {
      id: "embeddings.constant",
      description: "every text has the same vector",
      intended: ["embeddings.distinct"],
    },
    (items, body) =>
      items.map((item) => ({
        ...item,
        embedding: answerEmbedding({ ...body, input: "constant" }).data[0]?.embedding,
      })),
  ),
  mutateItems(
    {
      id: "embeddings.long",
      description: "vectors are not normalised",
      intended: ["embeddings.unit-length"],
    },
    (items) => scale(items, 5),
  ),
  mutateList(
    {
      id: "embeddings.no-object",
      description: "the answer does not say that it is a list",
      intended: ["embeddings.shape"],
    },
    ({ object: _object, ...list }) => list,
  ),
  mutateList(
    {
      id: "embeddings.usage-of-first",
      description: "usage counts the first input only",
      intended: ["embeddings.usage"],
    },
    (list, body) => ({
      ...list,
      usage: isBatch(list.data)
        ? answerEmbedding({ ...body, input: String([body["input"]].flat()[0]) }).usage
        : list.usage,
    }),
  ),
  repairRequest(
    { id: "embeddings.texts-only", description: "token ids are refused", intended: ["embeddings.tokens"] },
    (body) => ([body["input"]].flat(2).some((item) => typeof item === "number") ? { ...body, input: [] } : body),
  ),
  repairRequest(
    { id: "embeddings.small-batches", description: "a batch has at most 1,000 inputs", intended: ["embeddings.batch"] },
    (body) => ([body["input"]].flat().length > 1000 ? { ...body, input: [] } : body),
  ),
  repairRequest(
    {
      id: "embeddings.dimensions-ignored",
      description: "vectors are whole however many dimensions were asked for",
      intended: ["embeddings.dimensions"],
    },
    (body) => (Number(body["dimensions"]) > 0 ? { ...body, dimensions: null } : body),
  ),
  repairRequest(
    {
      id: "embeddings.null-refused",
      description: "null is no number of dimensions",
      intended: ["embeddings.null-is-omitted"],
    },
    (body) => (body["dimensions"] === null ? { ...body, dimensions: 0 } : body),
  ),
  accept("no-input", "a missing input is taken for a text", (body) =>
    body["input"] === undefined ? { ...body, input: "null" } : null,
  ),
  accept("empty-text", "an empty text gets a vector", (body) =>
    body["input"] === "" ? { ...body, input: "nothing" } : null,
  ),
  accept("empty-list", "an empty list gets an empty answer", (body) =>
    Array.isArray(body["input"]) && body["input"].length === 0 ? { ...body, input: ["nothing"] } : null,
  ),
  accept("format", "an unknown format is taken for numbers", (body) =>
    body["encoding_format"] === "int8" ? { ...body, encoding_format: "float" } : null,
  ),
  accept("dimensions", "no dimensions are taken for all", (body) =>
    body["dimensions"] === 0 ? { ...body, dimensions: null } : null,
  ),
  accept("too-long", "a long input is cut in silence", (body) => {
    const { input } = body;
    return typeof input === "string" && input.length > 10_000 ? { ...body, input: input.slice(0, 10_000) } : null;
  }),
  accept("chat-model", "any model makes embeddings", (body) =>
    typeof body["model"] === "string" && body["model"] !== EMBEDDING_MODEL ? { ...body, model: EMBEDDING_MODEL } : null,
  ),
  mutateItems(
    {
      id: "embeddings.no-numbers",
      description: "a vector holds null where it overflowed",
      intended: ["embeddings.answers", "embeddings.float"],
    },
    (items) =>
      items.map((item) => ({
        ...item,
        embedding: typeof item.embedding === "string" ? "" : [null, ...item.embedding],
      })),
  ),
];
