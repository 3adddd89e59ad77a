/** What is wrong with lists of models, embeddings, transcripts and spoken texts, whole or streamed. */

import {
  createEmbeddingResponseSchema,
  createSpeechResponseStreamEventSchema,
  createTranscriptionResponseStreamEventSchema,
  listModelsResponseSchema,
  modelSchema,
} from "@openai-compat/spec";
import type { Exchange } from "../../src/exchange.ts";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { bodyBytes } from "../../src/response-body.ts";
import { measureWave, readWave } from "../support/wave.ts";
import { flaw, type Flaw, listShapeFlaws, objectsOf, readAnswer, readStream, must, should } from "./flaws.ts";

export function listModelFlaws(model: unknown): readonly Flaw[] {
  if (!isJsonObject(model)) return [flaw("must", "a JSON object", model)];
  const { id, object, created } = model;
  return [
    ...listShapeFlaws(model, modelSchema),
    ...must(typeof id === "string" && id !== "", "an id", id),
    ...must(object === "model", "the object model", object),
    // Of 2001 to 2100: not in milliseconds, and not left out.
    ...should(
      typeof created === "number" && (created === 0 || (created > 1e9 && created < 4.1e9)),
      "`created` in seconds",
      created,
    ),
  ];
}

export function listModelListFlaws(exchange: Exchange): readonly Flaw[] {
  const { body, flaws } = readAnswer(exchange);
  if (!isJsonObject(body)) return [...flaws, flaw("must", "a JSON object", body)];
  const { data, object } = body;
  const models: readonly unknown[] = Array.isArray(data) ? data : [];
  return [
    ...flaws,
    ...listShapeFlaws(body, listModelsResponseSchema),
    ...must(object === "list", "the object list", object),
    ...must(models.length > 0, "models", data),
    ...must(
      new Set(objectsOf(data).map(({ id }) => id)).size === models.length,
      "models with ids of their own",
      objectsOf(data).map(({ id }) => id),
    ),
    ...models.flatMap(listModelFlaws),
  ];
}

export function listEmbeddingFlaws(exchange: Exchange, { fields }: { readonly fields: JsonObject }): readonly Flaw[] {
  const { body, flaws } = readAnswer(exchange);
  if (!isJsonObject(body)) return [...flaws, flaw("must", "a JSON object", body)];
  const items = objectsOf(body["data"]);
  const ids = Array.isArray(fields["input"]) && typeof fields["input"][0] === "number" ? fields["input"].length : null;
  const inputs = Array.isArray(fields["input"]) && ids === null ? fields["input"].length : 1;
  const vectors = items.map(({ embedding }) => readVector(embedding));
  const usage = isJsonObject(body["usage"]) ? body["usage"] : {};
  const { prompt_tokens: input, total_tokens: total } = usage;
  return [
    ...flaws,
    ...listShapeFlaws(body, createEmbeddingResponseSchema),
    ...must(body["object"] === "list", "the object list", body["object"]),
    ...must(typeof body["model"] === "string" && body["model"] !== "", "the name of the model", body["model"]),
    ...must(
      items.every(({ object }) => object === "embedding"),
      "the object embedding",
      items[0]?.["object"],
    ),
    ...must(
      items.length === inputs && items.every(({ index }, place) => index === place),
      `${inputs} embeddings with the indexes of the inputs`,
      items.map(({ index }) => index),
    ),
    ...must(
      vectors.every((vector) => vector !== null && vector.length > 0),
      "vectors of numbers",
      items[0]?.["embedding"],
    ),
    ...must(
      new Set(vectors.map((vector) => vector?.length)).size <= 1,
      "vectors of one length",
      vectors.map((vector) => vector?.length),
    ),
    ...must(
      typeof input === "number" && input >= inputs && input === total,
      "tokens of all inputs, and as many in total",
      usage,
    ),
    // Some models read a token before each text and one after it.
    ...should(
      ids === null || (Number(input) >= ids && Number(input) <= ids + 2),
      `as many tokens as the ${ids} that were sent, or two more`,
      usage,
    ),
  ];
}

export function readVector(embedding: unknown): readonly number[] | null {
  if (typeof embedding === "string") {
    const bytes = Buffer.from(embedding, "base64");
    if (bytes.length % 4 !== 0 || bytes.toString("base64") !== embedding) return null;
    return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(4 * index));
  }
  if (!Array.isArray(embedding)) return null;
  const isNumber = (value: unknown): value is number => typeof value === "number" && Math.abs(value) < 1e4;
  return embedding.every(isNumber) ? embedding : null;
}

export function listTranscriptStreamFlaws(exchange: Exchange): readonly Flaw[] {
  const { events, flaws } = readStream(exchange, false);
  const done = events.filter(({ type }) => type === "transcript.text.done");
  const deltas = events.filter(({ type }) => type === "transcript.text.delta").map(({ delta }) => delta);
  return [
    ...flaws,
    ...events.flatMap((event) => listShapeFlaws(event, createTranscriptionResponseStreamEventSchema)).slice(0, 1),
    ...must(
      done.length === 1 && done[0] === events.at(-1),
      "one transcript.text.done, at the end",
      events.map(({ type }) => type),
    ),
    ...must(deltas.join("").trim() === textOf(done[0]).trim(), "a whole text that is the deltas", {
      deltas,
      done,
    }),
    ...must(deltas.join("").trim() !== "", "a text", deltas),
  ];
}

function textOf(event: JsonObject | undefined): string {
  const text = event?.["text"];
  return typeof text === "string" ? text : "";
}

export function listTranscriptFlaws(exchange: Exchange, { fields }: { readonly fields: JsonObject }): readonly Flaw[] {
  const { body, flaws } = readAnswer(exchange);
  if (!isJsonObject(body)) return [...flaws, flaw("must", "a JSON object", body)];
  const { text } = body;
  const usage = isJsonObject(body["usage"]) ? body["usage"] : null;
  const numbers = Object.entries(usage ?? {}).filter(
    ([name]) => /tokens|seconds/.test(name) && !name.endsWith("details"),
  );
  return [
    ...flaws,
    ...must(typeof text === "string" && text.trim() !== "", "a text", text),
    ...must(
      numbers.every(([, value]) => typeof value === "number" && value >= 0),
      "usage in numbers",
      usage,
    ),
    ...(fields["response_format"] === "verbose_json" ? listVerboseFlaws(body) : []),
    ...listWordFlaws(body),
  ];
}

/** The words of a text are its own, whatever stands between them. */
function listWordFlaws({ text, words }: JsonObject): readonly Flaw[] {
  const read = (value: unknown): string =>
    String(value)
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}]/gu, "");
  const said = objectsOf(words).map(({ word }) => read(word));
  return should(said.length === 0 || said.join("") === read(text), "the words of the text", { text, words: said });
}

function listVerboseFlaws(body: JsonObject): readonly Flaw[] {
  const { task, duration, language } = body;
  const segments = objectsOf(body["segments"]);
  const words = objectsOf(body["words"]);
  const said = segments.map(({ text }) => (typeof text === "string" ? text : "")).join("");
  const squeeze = (value: unknown): string => (typeof value === "string" ? value.replaceAll(/\s+/g, "") : "");
  return [
    ...should(task === "transcribe" || task === "translate", "the task", task),
    ...must(Number(duration) > 0, "a duration in seconds", duration),
    ...must(typeof language === "string" && language !== "", "a language", language),
    ...should(segments.length === 0 || squeeze(said) === squeeze(body["text"]), "segments that are the text", {
      said,
      text: body["text"],
    }),
    ...should(
      segments.every(({ id }, place) => id === place),
      "segments 0, 1, 2 …",
      segments.map(({ id }) => id),
    ),
    ...listTimeFlaws(segments, Number(duration)),
    ...listTimeFlaws(words, Number(duration)),
    ...segments.flatMap(listSegmentFlaws),
    ...must(
      words.every(({ word }) => typeof word === "string" && word !== ""),
      "words that are texts",
      words[0],
    ),
  ];
}

function listTimeFlaws(pieces: readonly JsonObject[], duration: number): readonly Flaw[] {
  const times = pieces.map(({ start, end }) => [Number(start), Number(end)] as const);
  const isOrdered = times.every(([start, end], place) => start <= end && start >= (times[place - 1]?.[0] ?? 0));
  return [
    ...must(
      pieces.every(({ start, end }) => typeof start === "number" && typeof end === "number"),
      "times in numbers",
      pieces[0],
    ),
    ...must(isOrdered, "times in order", times),
    ...should(
      times.every(([, end]) => end <= duration + 0.5),
      `times within the ${duration} seconds`,
      times,
    ),
  ];
}

function listSegmentFlaws(segment: JsonObject): readonly Flaw[] {
  const {
    seek,
    tokens,
    temperature,
    avg_logprob: logprob,
    compression_ratio: ratio,
    no_speech_prob: silence,
  } = segment;
  const isWhole = (value: unknown): boolean => typeof value === "number" && Number.isInteger(value) && value >= 0;
  const has = (value: unknown, holds: (number: number) => boolean): boolean =>
    value === undefined || value === null || (typeof value === "number" && holds(value));
  return [
    ...must(seek === undefined || isWhole(seek), "a whole number in seek", seek),
    ...must(tokens === undefined || (Array.isArray(tokens) && tokens.every(isWhole)), "token ids", tokens),
    ...should(
      has(temperature, (number) => number >= 0 && number <= 1),
      "a temperature of 0 to 1",
      temperature,
    ),
    ...should(
      has(logprob, (number) => number <= 0),
      "a log probability of at most 0",
      logprob,
    ),
    ...should(
      has(ratio, (number) => number >= 0),
      "a compression ratio",
      ratio,
    ),
    ...should(
      has(silence, (number) => number >= 0 && number <= 1),
      "a probability of silence",
      silence,
    ),
  ];
}

export function listSpeechStreamFlaws(exchange: Exchange): readonly Flaw[] {
  const { events, flaws } = readStream(exchange, false);
  const done = events.filter(({ type }) => type === "speech.audio.done");
  const audio = events.flatMap(({ type, audio: piece }) =>
    type === "speech.audio.delta" && typeof piece === "string" ? piece : [],
  );
  const bytes = Buffer.concat(audio.map((piece) => Buffer.from(piece, "base64")));
  const usage = isJsonObject(done[0]?.["usage"]) ? done[0]["usage"] : {};
  const { input_tokens: input, output_tokens: output, total_tokens: total } = usage;
  return [
    ...flaws,
    ...events.flatMap((event) => listShapeFlaws(event, createSpeechResponseStreamEventSchema)).slice(0, 1),
    ...must(
      done.length === 1 && done[0] === events.at(-1),
      "one speech.audio.done, at the end",
      events.map(({ type }) => type),
    ),
    ...must(audio.length > 0, "audio", events[0]),
    ...must(Number(input) + Number(output) === total, "a total that is the sum", usage),
    ...must((measureWave(bytes) ?? 0) > 0, "a WAV file when put together", bytes.subarray(0, 16).toString("latin1")),
    ...must(holdsAll(bytes), "the bytes that the header of the file says", `${bytes.length} bytes`),
  ];
}

/** Whether as many samples came as the header says, where it says so. */
function holdsAll(bytes: Uint8Array): boolean {
  const { claimedBytes = 0, data } = readWave(bytes) ?? {};
  return claimedBytes === 0 || claimedBytes > 0x7f_ff_00_00 || claimedBytes === data?.length;
}

export function listSpeechFlaws(exchange: Exchange): readonly Flaw[] {
  const { response } = exchange;
  const bytes = bodyBytes(exchange);
  const type = response?.headers["content-type"] ?? "none";
  return [
    ...must(response?.end === "clean", "a file that ends", `one that ended as ${response?.end}`),
    ...must(/^audio\/(?:x-|vnd\.)?wave?\b/i.test(type), "the content type audio/wav", type),
    ...must((measureWave(bytes) ?? 0) > 0, "a WAV file", Buffer.from(bytes.subarray(0, 16)).toString("latin1")),
  ];
}
