/**
 * What is wrong with an answer, whichever operation gave it: each function looks at one part and lists what it finds, so
 * that the same demands hold for every operation and for its streams. Nothing here sends anything or ends a check.
 */

import { validateShape } from "@openai-compat/spec";
import type { z } from "zod";
import type { Level } from "../../src/check.ts";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Observer } from "../../src/outcome-signals.ts";
import type { Owners } from "../../src/owners.ts";
import { bodyBytes, bodyText, excerpt } from "../../src/response-body.ts";
import { parseSse } from "../../src/sse.ts";

export interface Flaw {
  /** must: the SDK or a typed client breaks, or the document says so in as many words. should: the rest. */
  readonly level: Level & ("must" | "should");
  readonly observer: Observer;
  readonly expected: string;
  readonly actual: string;
  /** Who judges it where nothing but the plain request was sent; others are for what options make of it. */
  readonly owners?: Owners;
}

const DAY_SECONDS = 86_400;
const DONE = "[DONE]";

export function flaw(level: Flaw["level"], expected: string, actual: unknown): Flaw {
  const text = typeof actual === "string" ? actual : (JSON.stringify(actual) ?? "nothing");
  return { level, observer: "wire", expected, actual: excerpt(text) };
}

/** The flaw where the demand is not met. */
export function must(holds: boolean, expected: string, actual: unknown): readonly Flaw[] {
  return holds ? [] : [flaw("must", expected, actual)];
}

/** The flaw where the demand is not met. */
export function should(holds: boolean, expected: string, actual: unknown): readonly Flaw[] {
  return holds ? [] : [flaw("should", expected, actual)];
}

/** The demand of a stream whose options ask for its usage. */
export function mustHaveUsage(events: readonly JsonObject[], owners: Owners): readonly Flaw[] {
  const holds = events.some(({ usage }) => (usage ?? null) !== null);
  return must(holds, "an event with usage", "none").map((found) => ({ ...found, owners }));
}

/** The document requires these keys, which may be null; clients do without, and checks of their own say more. */
function isNotLeftOut({ path, message }: { readonly path: string; readonly message: string }): boolean {
  return !(/(?:logprobs|refusal|error\.param|error\.code)$/.test(path) && message.includes("undefined"));
}

export function listShapeFlaws(value: unknown, schema: z.ZodType): readonly Flaw[] {
  const issues = validateShape(schema, value)
    .filter(isNotLeftOut)
    .map(({ path, message }) => `${path || "(root)"}: ${message}`);
  const found = flaw("must", "the shape in the specification", issues.join("; "));
  return issues.length === 0 ? [] : [{ ...found, observer: "schema" }];
}

/** The status, the content type and the JSON of an answer that is no stream. */
export function readAnswer(exchange: Exchange): { readonly body: unknown; readonly flaws: readonly Flaw[] } {
  const { response } = exchange;
  const type = response?.headers["content-type"] ?? "none";
  const bytes = bodyBytes(exchange);
  const head = [
    ...must(response?.end === "clean", "a body that ends", `one that ended as ${response?.end}`),
    ...must(/^application\/json\b/i.test(type), "the content type application/json", type),
    ...should(!hasMark(bytes), "no byte order mark", "one"),
  ];
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return { body: JSON.parse(text), flaws: head };
  } catch {
    return { body: undefined, flaws: [...head, flaw("must", "JSON in UTF-8", bodyText(exchange))] };
  }
}

function hasMark([first, second, third]: Uint8Array): boolean {
  return first === 0xef && second === 0xbb && third === 0xbf;
}

export interface ReadStream {
  readonly events: readonly JsonObject[];
  readonly flaws: readonly Flaw[];
}

/** The framing of a stream, and its events. `hasSentinel`: whether `[DONE]` has to end it. */
export function readStream(exchange: Exchange, hasSentinel: boolean): ReadStream {
  const { response } = exchange;
  const type = response?.headers["content-type"] ?? "none";
  const stream = parseSse(bodyBytes(exchange));
  const frames = stream.frames.filter(({ data }) => data !== null);
  const texts = frames.map(({ data }) => data ?? "");
  const events = texts.filter((text) => text !== DONE).map(parse);
  const objects = events.filter(isJsonObject);
  const done = texts.indexOf(DONE);
  const count = texts.filter((text) => text === DONE).length;
  const cached = response?.headers["cache-control"] ?? "none";
  const known = new Set(["data", "event", "id", "retry", ""]);
  const stray = stream.frames.flatMap(({ fields }) => fields.filter(({ name }) => !known.has(name)));
  const flaws = [
    ...must(response?.end === "clean", "a stream that ends", `one that ended as ${response?.end}`),
    ...must(/^text\/event-stream\b/i.test(type), "the content type text/event-stream", type),
    ...should(!/\bpublic\b|max-age=[1-9]/i.test(cached), "a stream that no cache keeps", cached),
    ...must(stream.validUtf8, "UTF-8", "other bytes"),
    ...must(stray.length === 0, "fields of an event stream", stray[0]?.name),
    ...must(stream.trailingBytes === 0, "a line ending after the last event", "none"),
    ...must((frames.at(-1)?.blankLines ?? 1) > 0, "a blank line after the last event", "none"),
    ...must(
      frames.every(({ fields }) => fields.filter(({ name }) => name === "data").length === 1),
      "one line of data in each event",
      "more",
    ),
    ...must(
      objects.length === events.length,
      "a JSON object in each event",
      texts[events.findIndex((event) => !isJsonObject(event))],
    ),
    ...must(objects.length > 0, "events", bodyText(exchange)),
    ...must(done === -1 || done === texts.length - 1, "[DONE] at the end", texts.slice(done).join(", ")),
    ...must(count === 1 || (!hasSentinel && count === 0), "one [DONE]", `${count}`),
    ...must(
      objects.every(({ error }) => error === undefined),
      "no error in a stream",
      objects.find(({ error }) => error),
    ),
    ...listArrivalFlaws(exchange, objects.length),
  ];
  return { events: objects, flaws };
}

/** Events enough to tell whether they come one by one. */
const EVENTS_FOR_ARRIVAL = 30;
/** Of each event: what is made faster may meet on its way, and come in one piece. */
const MAKING_MS_MIN = 20;

function listArrivalFlaws({ response }: Exchange, events: number): readonly Flaw[] {
  if (response === null || events < EVENTS_FOR_ARRIVAL) return [];
  const isFast = response.endAtMs < events * MAKING_MS_MIN;
  return should(isFast || response.chunks.length > 1, "events as they are made", "all of them at once");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What all answers of a kind have: an id, a time, a model. */
export function listHeadFlaws(value: JsonObject, object: string): readonly Flaw[] {
  const { id, created, model } = value;
  return [
    ...must(typeof id === "string" && id !== "", "an id", id),
    ...must(value["object"] === object, `the object ${object}`, value["object"]),
    ...must(isSeconds(created), "`created` in whole seconds", created),
    ...should(!isSeconds(created) || isRecent(created), "`created` of today", created),
    ...must(typeof model === "string" && model !== "", "the name of the model", model),
  ];
}

/** Of 2001 to 2100: a clock may be wrong, and an answer come from a cache, but milliseconds throw in clients. */
function isSeconds(time: unknown): boolean {
  return typeof time === "number" && Number.isInteger(time) && time > 1e9 && time < 4.1e9;
}

/** Of what is made now. */
export function isRecentSeconds(time: unknown): boolean {
  return isSeconds(time) && isRecent(time);
}

function isRecent(time: unknown): boolean {
  return typeof time === "number" && Math.abs(time - Date.now() / 1000) < 4 * DAY_SECONDS;
}

/** Events of one stream say the same of themselves; the levels are those of the checks that own each. */
export function listSameFlaws(events: readonly JsonObject[], ofId: Flaw["level"]): readonly Flaw[] {
  const levels = { id: ofId, object: "must", created: "should", model: "should" } as const;
  return Object.entries(levels).flatMap(([name, level]) => {
    const values = new Set(events.map((event) => event[name]));
    return values.size <= 1 ? [] : [flaw(level, `the same ${name} in each event`, [...values].slice(0, 3))];
  });
}

export interface UsageFacts {
  /** Whether the answer has a text that is not empty. */
  readonly hasText: boolean;
  /** Tokens that the log probabilities show; undefined where there are none. */
  readonly tokens?: number | undefined;
  /** The most that was asked for. */
  readonly most?: number | undefined;
}

export function listUsageFlaws(usage: unknown, { hasText, tokens, most }: UsageFacts): readonly Flaw[] {
  if (!isJsonObject(usage)) return [flaw("must", "usage", usage)];
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage;
  if (typeof input !== "number" || typeof output !== "number" || typeof total !== "number") {
    return [flaw("must", "three numbers of tokens", usage)];
  }
  return [
    ...must(total === input + output, "a total that is the sum", usage),
    ...must(input > 0, "tokens of the prompt", usage),
    ...must(output > 0 || !hasText, "tokens of the answer", usage),
    ...must(most === undefined || output <= most, `at most ${most} tokens of the answer`, usage),
    ...should(tokens === undefined || output >= tokens, `tokens as in logprobs: ${tokens} or more`, usage),
  ];
}

/** Figures are rounded. */
const PROBABILITY_MAX = 1.02;

/** Each choice has an index of its own, from 0 on. */
export function listIndexFlaws(choices: readonly JsonObject[], count: number): readonly Flaw[] {
  const indexes = choices.map(({ index }) => index);
  const holds = indexes.length === count && indexes.every((index, place) => index === place);
  return must(holds, `choices 0 to ${count - 1} in order`, indexes);
}

export function objectsOf(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** The tokens of a choice's log probabilities, as chat has them. */
export function listTokenFlaws(entries: readonly JsonObject[], text: string, top: number): readonly Flaw[] {
  const texts = entries.map(({ token }) => (typeof token === "string" ? token : ""));
  const spelled = Buffer.concat(
    entries.map(({ bytes, token }) => bytesOf(bytes) ?? Buffer.from(typeof token === "string" ? token : "")),
  );
  const isText = texts.join("") === text || spelled.toString("utf8") === text;
  return [
    ...should(isText, "log probabilities of the tokens of the text", { text, tokens: texts }),
    ...entries.flatMap((entry) => listEntryFlaws(entry, top)),
  ];
}

function listEntryFlaws(entry: JsonObject, top: number): readonly Flaw[] {
  const likely = objectsOf(entry["top_logprobs"]);
  const same = likely.find(({ token }) => token === entry["token"]);
  const values = likely.map(({ logprob }) => Number(logprob));
  const most = likely.findIndex(({ token }) => token === entry["token"]) === top ? top + 1 : top;
  return [
    ...[entry, ...likely].flatMap(listLogprobFlaws),
    ...should(likely.length <= top, `at most ${top} likely tokens`, likely.length),
    // The chosen token may be added to the likeliest; where none was asked for, nothing says that none may come.
    ...must(top === 0 || likely.length <= most, `at most ${top} likely tokens, and the chosen one`, likely.length),
    ...must(likely.length > 0 || top === 0, "likely tokens", entry["top_logprobs"]),
    ...should(
      new Set(likely.map(({ token, bytes }) => JSON.stringify([token, bytes]))).size === likely.length,
      "likely tokens that differ",
      likely.map(({ token }) => token),
    ),
    ...should(
      values.every((value, place) => value <= (values[place - 1] ?? 0) + 1e-4),
      "the likeliest token first",
      values,
    ),
    ...listProbabilityFlaws(values),
    ...should(
      same === undefined || Math.abs(Number(same["logprob"]) - Number(entry["logprob"])) < 0.1,
      "one log probability for a token",
      entry,
    ),
  ];
}

/** Tokens of which one comes next. */
export function listProbabilityFlaws(values: readonly number[]): readonly Flaw[] {
  const sum = values.reduce((whole, value) => whole + Math.exp(value), 0);
  return should(sum <= PROBABILITY_MAX, "probabilities that are at most 1 in all", values);
}

function listLogprobFlaws({ token, logprob, bytes }: JsonObject): readonly Flaw[] {
  const spelled = bytesOf(bytes);
  // A token may be a part of a character: its text is then no more than a replacement.
  const isWhole = typeof token === "string" && !token.includes("\uFFFD") && !token.startsWith("bytes:");
  return [
    ...must(typeof logprob === "number" && logprob <= 1e-6, "a log probability of at most 0", logprob),
    ...must(bytes === null || spelled !== null, "bytes, or null", bytes),
    ...should(
      spelled === null || !isWhole || spelled.toString("utf8") === token,
      `the bytes of ${JSON.stringify(token)}`,
      bytes,
    ),
  ];
}

function bytesOf(value: unknown): Buffer | null {
  if (!Array.isArray(value)) return null;
  const isByte = (byte: unknown): byte is number => typeof byte === "number" && byte >= 0 && byte < 256;
  return value.every(isByte) ? Buffer.from(value) : null;
}

/** The texts among these values, put together. */
export function joinTexts(values: readonly unknown[]): string {
  return values.filter((value) => typeof value === "string").join("");
}

/** Whatever the order of keys; null is as good as none. */
export function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other)) {
    return one.length === other.length && one.every((member, index) => isSame(member, other[index]));
  }
  if (isJsonObject(one) && isJsonObject(other)) {
    return [...new Set([...Object.keys(one), ...Object.keys(other)])].every((name) => isSame(one[name], other[name]));
  }
  return (one ?? null) === (other ?? null);
}
