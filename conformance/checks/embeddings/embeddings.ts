/** Checks of embeddings: formats, order, what the vectors have to be, and what is refused. */

import { createEmbeddingResponseSchema } from "@openai-compat/spec";
import { type Check, defineCheck, type Level } from "../../src/check.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { expectSdkValue, expectStatus, expectThat } from "../../src/expect.ts";
import { excerpt } from "../../src/response-body.ts";
import {
  askEmbedding,
  cosine,
  expectBase64,
  expectNumbers,
  isSameDirection,
  readSdkItems,
  requireItems,
  requireList,
  requireVectors,
  TEXTS,
} from "../support/embedding-calls.ts";
import { expectBlamed } from "../support/blame.ts";
import { expectRefused } from "../support/envelope.ts";
import { expectRestOfShape } from "../support/shape.ts";

const EMBEDDINGS = {
  area: "embeddings",
  level: "must",
  tier: "protocol",
  operation: "createEmbedding",
  needs: ["model:embedding"],
} as const;

const BATCH_MAX = 2048;
const OWNED_BY_OTHER_CHECKS = /^(data|usage(\.(prompt|total)_tokens)?|data\[\d+\](\.(index|embedding(\[\d+\])?))?)$/;
const OPENAPI = "OpenAPI createEmbedding";

interface Wrong {
  readonly slug: string;
  readonly level: Level;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly param: string;
  readonly what: string;
}

/** Requests that are wrong in one field. */
const WRONG: readonly Wrong[] = [
  { slug: "no-input", level: "must", fields: { input: undefined }, param: "input", what: "without an input" },
  { slug: "empty-text", level: "should", fields: { input: "" }, param: "input", what: "whose input is an empty text" },
  { slug: "empty-list", level: "should", fields: { input: [] }, param: "input", what: "whose input is an empty list" },
  {
    slug: "format",
    level: "should",
    fields: { encoding_format: "int8" },
    param: "encoding_format",
    what: "with an unknown `encoding_format`",
  },
  {
    slug: "dimensions",
    level: "should",
    fields: { dimensions: 0 },
    param: "dimensions",
    what: "for vectors of no dimension",
  },
];

export const embeddingChecks: readonly Check[] = [
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.answers",
    requirement: "A plain embedding request is answered with a vector that the SDK reads.",
    reference: `${OPENAPI}; openai-node resources/embeddings.ts create`,
    breaks: "Every client. The SDK asks for base64 by itself and decodes it.",
    async run(context) {
      const request = { model: String(context.models.embedding), input: TEXTS[0] };
      const value = expectSdkValue(await context.sdk((client) => client.embeddings.create(request)));
      const [first] = readSdkItems(value);
      const vector: readonly unknown[] = Array.isArray(first?.["embedding"]) ? first["embedding"] : [];
      const holds = vector.length > 0 && vector.every((number) => Number.isFinite(number));
      expectThat(holds, { observer: "sdk", expected: "a vector of numbers", actual: excerpt(JSON.stringify(value)) });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.shape",
    requirement: "The answer has the shape of the specification, a `list` of `embedding` objects.",
    reference: "OpenAPI CreateEmbeddingResponse",
    breaks: "Clients with strict types, such as the Rust, Kotlin and .NET ones.",
    async run(context) {
      const list = requireList(await askEmbedding(context));
      expectRestOfShape(list, createEmbeddingResponseSchema, OWNED_BY_OTHER_CHECKS);
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.float",
    requirement: 'With `encoding_format: "float"` a vector is a list of numbers.',
    reference: "OpenAPI CreateEmbeddingRequest.encoding_format",
    breaks: "LangChain and LlamaIndex in other languages, which ask for numbers and get text.",
    async run(context) {
      for (const item of requireItems(await askEmbedding(context))) expectNumbers(item);
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.base64",
    requirement: 'With `encoding_format: "base64"` a vector is its 32-bit floats, little-endian, in base64.',
    reference: "OpenAPI CreateEmbeddingRequest.encoding_format; openai/openai-node#2150; Lightning-AI/LitServe#741",
    breaks:
      "Older SDKs decode whatever comes: a list of numbers becomes zeros, doubles become wrong vectors, without an error.",
    async run(context) {
      const [plain] = requireVectors(await askEmbedding(context));
      const [item = {}] = requireItems(await askEmbedding(context, { encoding_format: "base64" }));
      const decoded = expectBase64(item);
      expectThat(isSameDirection(plain, decoded), {
        observer: "schema",
        expected: "the vector that is sent as numbers",
        actual: `${decoded.length} numbers, beginning with ${decoded.slice(0, 3).join(", ")}`,
      });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.index",
    requirement: "Each item of a batch has the index of its input, in the order of the inputs.",
    reference: "OpenAPI Embedding.index; getzep/graphiti#1732",
    breaks: "The SDKs' users pair vectors and texts by position; LangChain does so without looking at the index.",
    async run(context) {
      const items = requireItems(await askEmbedding(context, { input: TEXTS }));
      const actual = JSON.stringify(items.map(({ index }) => index));
      const expected = JSON.stringify(TEXTS.map((_, index) => index));
      expectThat(actual === expected, { observer: "schema", expected, actual });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.order",
    requirement: "A text has the same vector alone and in its place in a batch.",
    reference: `${OPENAPI}; chroma-core/chroma#344`,
    breaks: "Documents are stored under the vectors of others, and every search finds the wrong ones.",
    async run(context) {
      const batch = requireVectors(await askEmbedding(context, { input: TEXTS }));
      for (const [position, text] of TEXTS.entries()) {
        const [alone] = requireVectors(await askEmbedding(context, { input: text }));
        const actual = `another vector at position ${position} of ${batch.length}`;
        expectThat(isSameDirection(alone, batch[position]), { observer: "wire", expected: "the same vector", actual });
      }
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.distinct",
    requirement: "Texts of different meaning have vectors of different directions.",
    reference: "OpenAPI CreateEmbeddingRequest.input; OpenAI embeddings guide",
    breaks: "A constant, or a model that was loaded wrong, answers everything with the same neighbours.",
    async run(context) {
      const [first] = requireVectors(await askEmbedding(context, { input: TEXTS[0] }));
      const [second] = requireVectors(await askEmbedding(context, { input: TEXTS[1] }));
      const found = cosine(first ?? [], second ?? []);
      expectThat(found < 0.9999, { observer: "wire", expected: "a cosine below 0.9999", actual: String(found) });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.unit-length",
    level: "should",
    requirement: "A vector has the length 1.",
    reference: "OpenAI embeddings guide: embeddings are normalized to length 1",
    breaks: "Stores that rank by the dot product rank by length; users of OpenAI never had to normalise.",
    async run(context) {
      const lengths = requireVectors(await askEmbedding(context, { input: TEXTS })).map((vector) =>
        Math.hypot(...vector),
      );
      const holds = lengths.every((length) => Math.abs(length - 1) < 0.01);
      expectThat(holds, { observer: "wire", expected: "lengths of 1", actual: lengths.join(", ") });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.usage",
    requirement: "`usage` counts the tokens of all inputs, and its total is the prompt's.",
    reference: "OpenAPI CreateEmbeddingResponse.usage",
    breaks: "Budgets and bills; LiteLLM and others read both numbers.",
    async run(context) {
      const counts = [];
      for (const input of [TEXTS[0], TEXTS]) {
        const { usage } = requireList(await askEmbedding(context, { input }));
        counts.push(Object.assign({ prompt_tokens: 0, total_tokens: 0 }, usage));
      }
      const holds = counts.every(({ prompt_tokens: prompt, total_tokens: total }) => prompt > 0 && prompt === total);
      const grows = (counts[0]?.prompt_tokens ?? 0) < (counts[1]?.prompt_tokens ?? 0);
      const expected = "prompt_tokens equal to total_tokens, more for three texts than for one";
      expectThat(holds && grows, { observer: "schema", expected, actual: JSON.stringify(counts) });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.tokens",
    requirement: "Lists of token ids are inputs too: one list is one input, several are several.",
    reference: "OpenAPI CreateEmbeddingRequest.input; langchain-ai/langchain#21318",
    breaks: "LangChain's OpenAIEmbeddings in Python sends token ids unless it is told not to.",
    async run(context) {
      const one = await askEmbedding(context, { input: [600, 601, 602] });
      expectStatus(one, 200);
      const several = await askEmbedding(context, { input: [[600], [601, 602]] });
      expectStatus(several, 200);
      const actual = `${requireItems(one).length} and ${requireItems(several).length}`;
      expectThat(actual === "1 and 2", { observer: "wire", expected: "1 and 2 vectors", actual });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.batch",
    level: "should",
    requirement: "A request holds up to 2,048 inputs.",
    reference: "OpenAPI CreateEmbeddingRequest.input: maxItems 2048",
    breaks: "LangChain.js sends 512 and the Vercel AI SDK 2,048 texts at once.",
    async run(context) {
      const input = Array.from({ length: BATCH_MAX }, (_, index) => `a${index}`);
      const model = String(context.models.embedding);
      // Counted by the SDK: OpenAI's own vectors in such a number are longer than what is recorded.
      const outcome = await context.sdk((client) => client.embeddings.create({ model, input }));
      expectStatus(outcome.exchange, 200);
      const { length } = readSdkItems(expectSdkValue(outcome));
      expectThat(length === BATCH_MAX, { observer: "wire", expected: `${BATCH_MAX} vectors`, actual: String(length) });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.dimensions",
    level: "should",
    requirement: "`dimensions` shortens the vector, or is refused; it is never ignored.",
    reference: "OpenAPI CreateEmbeddingRequest.dimensions",
    breaks: "A vector store whose column has the requested length refuses every row.",
    async run(context) {
      const [whole = []] = requireVectors(await askEmbedding(context));
      const dimensions = Math.ceil(whole.length / 2);
      const exchange = await askEmbedding(context, { dimensions });
      if (exchange.response?.status !== 200) return expectRefused(exchange);
      const [cut = []] = requireVectors(exchange);
      const expected = `${dimensions} dimensions, or a refusal`;
      expectThat(cut.length === dimensions, { observer: "wire", expected, actual: `${cut.length} dimensions` });
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.null-is-omitted",
    level: "should",
    requirement: "An optional parameter that is null counts as omitted.",
    reference: "OpenAPI CreateEmbeddingRequest (nullable)",
    breaks: "Typed clients that serialise absent fields as null get a 400.",
    async run(context) {
      requireList(await askEmbedding(context));
      expectStatus(await askEmbedding(context, { dimensions: null, user: null }), 200);
    },
  }),
  ...defineRefusals(),
  defineBlame(),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.refuses.too-long",
    level: "should",
    requirement: "An input that is longer than the model allows is refused with a 4xx, never cut in silence.",
    reference: "OpenAI error codes: 400, maximum context length; danny-avila/rag_api#161",
    breaks: "Documents are found by their beginnings alone, and nobody learns why.",
    async run(context) {
      expectRefused(await askEmbedding(context, { input: "word ".repeat(200_000) }));
    },
  }),
  defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.refuses.chat-model",
    level: "should",
    needs: ["model:embedding", "model:chat"],
    requirement: "A model that makes no embeddings is refused with a 4xx, not answered.",
    reference: "OpenAI error codes: 404 and 400 for a model that an endpoint doesn't serve",
    breaks: "An index is filled with vectors of a chat model, which find nothing.",
    async run(context) {
      if (context.models.chat === context.models.embedding) throw new NotTestable("one model serves both");
      const exchange = await askEmbedding(context, { model: context.models.chat });
      const { status } = exchange.response ?? {};
      const holds = status !== undefined && status >= 400 && status < 500;
      expectThat(holds, { observer: "wire", expected: "a 4xx", actual: `status ${status}` });
    },
  }),
];

function defineRefusals(): readonly Check[] {
  return WRONG.map(({ slug, level, fields, what }) =>
    defineCheck({
      ...EMBEDDINGS,
      id: `embeddings.refuses.${slug}`,
      level,
      requirement: `A request ${what} is refused with a 4xx.`,
      reference: "OpenAPI CreateEmbeddingRequest; openai-node client.ts shouldRetry",
      breaks: "Callers get a vector of nothing, or a 500 that their client sends again and again.",
      async run(context) {
        expectRefused(await askEmbedding(context, fields, { isRefusable: true }));
      },
    }),
  );
}

/** OpenAI itself says null for many of them. */
function defineBlame(): Check {
  return defineCheck({
    ...EMBEDDINGS,
    id: "embeddings.refuses.param",
    level: "may",
    requirement: "The refusal of a request that is wrong in one field names it in `param`.",
    reference: "OpenAPI Error.param; onyx-dot-app/onyx#1906 (OpenAI itself sends null here)",
    breaks: "Forms and agents that repair the field named by `param` have nothing to repair.",
    async run(context) {
      await expectBlamed(WRONG, ({ fields }) => askEmbedding(context, fields, { isRefusable: true }));
    },
  });
}
