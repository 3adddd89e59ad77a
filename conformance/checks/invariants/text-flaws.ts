/** What is wrong with an answer of plain completions, whole or streamed. */

import { createCompletionResponseSchema, createCompletionStreamResponseSchema } from "@openai-compat/spec";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { AskedFor } from "./chat-flaws.ts";
import {
  flaw,
  type Flaw,
  listHeadFlaws,
  listIndexFlaws,
  listProbabilityFlaws,
  listSameFlaws,
  listShapeFlaws,
  listUsageFlaws,
  objectsOf,
  readAnswer,
  readStream,
  must,
  mustHaveUsage,
  should,
} from "./flaws.ts";
import { OWNERS } from "../support/owners.ts";

const REASONS: readonly unknown[] = ["stop", "length", "content_filter"];

export function listTextFlaws(exchange: Exchange, { fields }: AskedFor): readonly Flaw[] {
  const { body, flaws } = readAnswer(exchange);
  if (!isJsonObject(body)) return [...flaws, flaw("must", "a JSON object", body)];
  const choices = objectsOf(body["choices"]);
  const { n, max_tokens: limit } = fields;
  const count = typeof n === "number" ? n : 1;
  return [
    ...flaws,
    ...listShapeFlaws(body, createCompletionResponseSchema),
    ...listHeadFlaws(body, "text_completion"),
    ...listIndexFlaws(choices, count),
    ...choices.flatMap(({ text, finish_reason: reason, logprobs: given }) => [
      ...must(typeof text === "string", "a text", text),
      ...must(REASONS.includes(reason), "a known reason to finish", reason),
      ...listLegacyFlaws([given], typeof text === "string" ? text : "", fields),
    ]),
    ...listUsageFlaws(body["usage"], {
      // An echo is a text of which no token was made.
      hasText: fields["echo"] !== true && choices.some(({ text }) => Boolean(text)),
      most: typeof limit === "number" ? limit * count : undefined,
    }),
  ];
}

/** The four lists, of one piece or of all pieces of a stream. */
function listLegacyFlaws(pieces: readonly unknown[], text: string, fields: JsonObject): readonly Flaw[] {
  const { logprobs: asked, echo } = fields;
  const given = pieces.filter(isJsonObject);
  if (typeof asked !== "number") return should(given.length === 0, "no logprobs, unless they are asked for", given[0]);
  if (text === "") return [];
  const join = (name: string): readonly unknown[] =>
    given.flatMap((piece) => (Array.isArray(piece[name]) ? piece[name] : [])) as readonly unknown[];
  const [tokens, values, offsets, likely] = [
    join("tokens"),
    join("token_logprobs"),
    join("text_offset"),
    join("top_logprobs"),
  ];
  const lengths = [values, offsets, ...(asked > 0 ? [likely] : [])].map(({ length }) => length);
  const gaps = offsets.slice(1).map((offset, place) => Number(offset) - Number(offsets[place]));
  return [
    ...should(tokens.join("") === text, "tokens that are the text", { text, tokens }),
    ...must(
      lengths.every((length) => length === tokens.length),
      "lists of one length",
      [tokens.length, ...lengths],
    ),
    ...must(
      values.every((value) => value === null || (typeof value === "number" && value <= 1e-6)),
      "log probabilities of at most 0",
      values,
    ),
    ...must(
      offsets.every((offset) => Number.isInteger(offset)),
      "offsets that are whole numbers",
      offsets,
    ),
    ...should(isSpacedBy(gaps, tokens), "offsets that grow by the length of the token", { offsets, tokens }),
    // Nothing comes before the first token of a prompt, so that nothing made it likely.
    ...should(
      values.every((value, place) => value !== null || (echo === true && place === 0)),
      "a log probability of each token",
      values,
    ),
    ...should(
      asked === 0 || likely.every((entry, place) => isJsonObject(entry) || (echo === true && place === 0)),
      "likely tokens for each token",
      likely,
    ),
    ...should(echo !== true || offsets[0] === 0, "offsets from the beginning of the text", offsets),
    ...likely.flatMap((entry) => (isJsonObject(entry) ? listLikelyFlaws(entry, asked) : [])),
  ];
}

/** In which units a server may count. */
const LENGTHS: readonly ((token: string) => number)[] = [
  (token) => Array.from(token).length,
  (token) => token.length,
  (token) => Buffer.byteLength(token),
];

function isSpacedBy(gaps: readonly number[], tokens: readonly unknown[]): boolean {
  return LENGTHS.some((lengthOf) => gaps.every((gap, place) => gap === lengthOf(String(tokens[place]))));
}

function listLikelyFlaws(entry: JsonObject, asked: number): readonly Flaw[] {
  const values = Object.values(entry);
  return [
    // The token that was chosen is listed beside the likeliest ones.
    ...should((values.length > 0 || asked === 0) && values.length <= asked + 1, `${asked} likely tokens`, entry),
    ...must(
      values.every((value) => typeof value === "number" && value <= 1e-6),
      "log probabilities of at most 0",
      entry,
    ),
    ...listProbabilityFlaws(values.map(Number)),
  ];
}

export function listTextStreamFlaws(exchange: Exchange, { fields }: AskedFor): readonly Flaw[] {
  const { events, flaws } = readStream(exchange, true);
  const { n, stream_options: options, max_tokens: limit } = fields;
  const count = typeof n === "number" ? n : 1;
  const indexes = [...Array.from({ length: count }).keys()];
  const wantsUsage = isJsonObject(options) && options["include_usage"] === true;
  const used = events.filter(({ usage }) => (usage ?? null) !== null);
  const all = events.flatMap(({ choices }) => objectsOf(choices));
  const empty = events.find(({ choices }) => Array.isArray(choices) && choices.length === 0);
  const strays = all.filter(({ index }) => !indexes.some((known) => known === index));
  return [
    ...flaws,
    ...events.flatMap((event) => listShapeFlaws(event, createCompletionStreamResponseSchema)).slice(0, 1),
    ...listSameFlaws(events, "should"),
    ...events.slice(0, 1).flatMap((event) => listHeadFlaws(event, "text_completion")),
    ...must(strays.length === 0, "indexes of choices that were asked for", strays[0]),
    ...indexes.flatMap((index) =>
      listPieceFlaws(
        all.filter((choice) => choice["index"] === index),
        fields,
      ),
    ),
    ...(wantsUsage
      ? [
          ...mustHaveUsage(events, OWNERS.textStreamUsage),
          ...should(used.length <= 1, "one event with usage", `${used.length}`),
          ...should(used.length === 0 || used.at(-1) === events.at(-1), "usage in the last event", events.at(-1)),
          ...used.slice(-1).flatMap(({ usage }) =>
            listUsageFlaws(usage, {
              hasText: fields["echo"] !== true && all.some(({ text }) => Boolean(text)),
              most: typeof limit === "number" ? limit * count : undefined,
            }),
          ),
        ]
      : must(empty === undefined, "a choice in each event", empty)),
  ];
}

function listPieceFlaws(pieces: readonly JsonObject[], fields: JsonObject): readonly Flaw[] {
  const finished = pieces.filter(({ finish_reason: reason }) => (reason ?? null) !== null);
  const last = pieces.findIndex(({ finish_reason: reason }) => (reason ?? null) !== null);
  const texts = pieces.map(({ text }) => (typeof text === "string" ? text : ""));
  return [
    ...must(
      pieces.every(({ text }) => typeof text === "string"),
      "a text in each choice",
      pieces.find(({ text }) => typeof text !== "string"),
    ),
    ...must(finished.length === 1, "one reason to finish", `${finished.length}`),
    ...must(
      finished.every(({ finish_reason: reason }) => REASONS.includes(reason)),
      "a known reason to finish",
      finished[0],
    ),
    ...must(
      last === -1 || texts.slice(last + 1).join("") === "",
      "nothing of a choice after its end",
      texts.slice(last + 1),
    ),
    ...listLegacyFlaws(
      pieces.map(({ logprobs: given }) => given),
      texts.join(""),
      fields,
    ),
  ];
}
