/**
 * Transcriptions and translations as checks send them, and what stands in their answers. `require…` leaves the caller
 * inconclusive where another check owns the defect; nothing here judges the target.
 */

import { operations } from "@openai-compat/spec";
import type { Need } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import {
  assume,
  expectJsonObject,
  expectStatus,
  isJsonObject,
  type JsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Failure, Inconclusive, Unsupported } from "../../src/outcome-signals.ts";
import { bodyText } from "../../src/response-body.ts";
import { requireStatus } from "./envelope.ts";
import { composeMultipart, type FormOptions, type FormPart, type SentForm } from "./multipart.ts";
import { isAbsent, requireOffered } from "./operation-probes.ts";
import { SPOKEN } from "./recordings.ts";
import { answerOwners, OWNERS, TRANSCRIPT_OWNERS } from "./owners.ts";
import { measureWordErrors, WORD_ERRORS_MAX } from "./word-errors.ts";

export interface TranscriptEndpoint {
  /** Part of permanent check ids. */
  readonly slug: "transcriptions" | "translations";
  readonly operation: "createTranscription" | "createTranslation";
  readonly path: string;
  /** What every check of the endpoint has. */
  readonly check: {
    readonly area: "audio";
    readonly level: "must";
    readonly tier: "protocol";
    readonly operation: TranscriptEndpoint["operation"];
    readonly needs: readonly Need[];
  };
}

function describeEndpoint(slug: TranscriptEndpoint["slug"], operation: TranscriptEndpoint["operation"]) {
  const check = { area: "audio", level: "must", tier: "protocol", needs: ["model:transcription"], operation } as const;
  return { slug, operation, path: operations[operation].path, check };
}

export const TRANSCRIPTIONS: TranscriptEndpoint = describeEndpoint("transcriptions", "createTranscription");
export const TRANSCRIPT_ENDPOINTS: readonly TranscriptEndpoint[] = [
  TRANSCRIPTIONS,
  describeEndpoint("translations", "createTranslation"),
];

/** Texts of a form; a list is sent as `name[]` once per element, and what is undefined is left out. */
export type FormFields = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface AskOptions {
  /** In addition to the model. */
  readonly fields?: FormFields;
  /** Default: the recording in which somebody speaks. */
  readonly file?: Uint8Array;
  /** Changes the parts, which are the texts and then the file. */
  readonly arrange?: (parts: readonly FormPart[]) => readonly FormPart[];
  readonly form?: FormOptions;
  readonly headers?: Readonly<Record<string, string | null>>;
}

function composeTranscript(context: CheckContext, options: AskOptions): SentForm {
  const { fields = {}, file = SPOKEN, arrange = (parts) => parts, form = {} } = options;
  const texts = Object.entries({ model: context.models.transcription, ...fields }).flatMap(([name, value]) => {
    if (value === undefined) return [];
    const key = typeof value === "string" ? name : `${name}[]`;
    return [value].flat().map((text) => ({ name: key, value: text }));
  });
  const parts = [...texts, { name: "file", value: file, fileName: "speech.wav", contentType: "audio/wav" }];
  return composeMultipart(arrange(parts), form);
}

/** Past the SDK, whatever comes of it. @throws NotTestable where the target does not translate */
export async function sendTranscript(
  context: CheckContext,
  endpoint: TranscriptEndpoint,
  options: AskOptions = {},
): Promise<Exchange> {
  const { body, headers } = composeTranscript(context, options);
  const { path } = endpoint;
  const exchange = await context.wire({ method: "POST", path, body, headers: { ...headers, ...options.headers } });
  await requireTranslations(context, endpoint, exchange);
  return exchange;
}

/**
 * A recipe names no model for translations, so that it promises none. A 404 may be a model's as well: another request
 * finds out. @throws NotTestable
 */
export async function requireTranslations(
  context: CheckContext,
  { operation }: TranscriptEndpoint,
  { response }: Exchange,
): Promise<void> {
  if (operation !== "createTranslation" || !isAbsent(response?.status)) return;
  await requireOffered(context, operation);
}

/** A request that has to be answered, as JSON by default. @throws Unsupported where the model translates nothing */
export async function askTranscript(
  context: CheckContext,
  endpoint: TranscriptEndpoint,
  options: AskOptions = {},
): Promise<Exchange> {
  const fields = { response_format: "json", ...options.fields };
  const exchange = await sendTranscript(context, endpoint, { ...options, fields });
  if (endpoint.operation === "createTranslation") throwIfUnsupported(exchange, "model", "translation", "translations");
  return exchange;
}

/**
 * Of a transcription with `stream`: the document says that the model whisper-1 ignores it, so that JSON with the text is
 * right. JSON with anything else, such as the events of a stream as a text, is not.
 *
 * @throws Unsupported
 */
export async function throwIfStreamIgnored(
  context: CheckContext,
  exchange: Exchange,
  fields: FormFields = {},
): Promise<void> {
  const { status, headers } = exchange.response ?? {};
  if (status !== 200 || !/^application\/json\b/i.test(headers?.["content-type"] ?? "")) return;
  const text = readText(exchange, "json");
  const plain = await sendTranscript(context, TRANSCRIPTIONS, { fields: { ...fields, stream: undefined } });
  const said = readText(plain, "json");
  if (text === null || said === null || measureWordErrors(said, text) > WORD_ERRORS_MAX) return;
  throw new Unsupported("the target ignores `stream`, as whisper-1 does: JSON with the text that comes without it");
}

/** Of an expectation about a refusal: what fails on a target that translates nothing anyway is unsupported. */
export async function judgeRefusal(
  context: CheckContext,
  endpoint: TranscriptEndpoint,
  expectation: () => void | Promise<void>,
): Promise<void> {
  try {
    await expectation();
  } catch (thrown) {
    if (thrown instanceof Failure) await askTranscript(context, endpoint);
    throw thrown;
  }
}

export const TRANSCRIPT_FORMATS = ["json", "text", "srt", "vtt", "verbose_json"] as const;
export type TranscriptFormat = (typeof TRANSCRIPT_FORMATS)[number];

/** The text of a body in this format, blanks made one; null where the body has another format. */
export function readText(exchange: Exchange, format: TranscriptFormat): string | null {
  const body = bodyText(exchange);
  switch (format) {
    case "json":
    case "verbose_json": {
      const value = parseOrNull(body);
      return isJsonObject(value) && typeof value["text"] === "string" ? joinBlanks(value["text"]) : null;
    }
    case "text":
      return typeof parseOrNull(body) === "string" || isJsonObject(parseOrNull(body)) ? null : joinBlanks(body);
    case "srt":
    case "vtt": {
      const cues = readCues(body, format);
      return cues === null ? null : joinBlanks(cues.map(({ text }) => text).join(" "));
    }
  }
}

function parseOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function joinBlanks(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  readonly text: string;
}

/** @returns null for what has another format */
export function readCues(body: string, format: "srt" | "vtt"): readonly Cue[] | null {
  const blocks = body
    .replaceAll("\r\n", "\n")
    .trim()
    .split(/\n{2,}/)
    .filter((block) => block !== "");
  if (format === "vtt" && !/^WEBVTT(?:[ \t\n]|$)/.test(blocks.shift() ?? "")) return null;
  const cues: Cue[] = [];
  for (const [index, block] of blocks.entries()) {
    const lines = block.split("\n");
    if (format === "srt" && lines.shift() !== String(index + 1)) return null;
    const times = (format === "srt" ? SRT_TIMES : VTT_TIMES).exec(lines.shift() ?? "");
    if (times === null) return null;
    const [startMs, endMs] = [readTime(times, 1), readTime(times, 5)];
    cues.push({
      startMs,
      endMs,
      text: lines.join(" ").replaceAll("&gt;", ">").replaceAll("&lt;", "<").replaceAll("&amp;", "&"),
    });
  }
  return cues;
}

const SRT_TIMES = /^(\d{2,}):(\d\d):(\d\d),(\d{3}) --> (\d{2,}):(\d\d):(\d\d),(\d{3})$/;
const VTT_TIMES = /^(?:(\d{2,}):)?(\d\d):(\d\d)\.(\d{3}) --> (?:(\d{2,}):)?(\d\d):(\d\d)\.(\d{3})/;

function readTime(times: RegExpExecArray, first: number): number {
  const [hours, minutes, seconds, milliseconds] = [0, 1, 2, 3].map((offset) => Number(times[first + offset] ?? 0));
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000 + (milliseconds ?? 0);
}

/** @throws Inconclusive */
export function requireText(exchange: Exchange, format: TranscriptFormat): string {
  requireStatus(exchange, 200);
  const text = readText(exchange, format);
  if (text === null)
    throw new Inconclusive(
      `the body is not in the format ${format}, which another check judges`,
      TRANSCRIPT_OWNERS[format],
    );
  return text;
}

/** The body of a JSON answer. @throws Inconclusive */
export function requireBody(exchange: Exchange): JsonObject {
  return assume("an answer in JSON", answerOwners(exchange), () => {
    expectStatus(exchange, 200);
    return expectJsonObject(exchange);
  });
}

/** The objects of a list in a verbose answer. @throws Inconclusive for none, as where the model heard nothing */
export function requireList(body: JsonObject, name: "segments" | "words"): readonly JsonObject[] {
  const list = body[name];
  if (!Array.isArray(list) || !list.every(isJsonObject)) {
    throw new Inconclusive(
      `the answer has no ${name}, which another check judges`,
      name === "words" ? OWNERS.heardWords : OWNERS.heardSegments,
    );
  }
  if (list.length === 0) throw new Inconclusive("the model heard nothing", "model");
  return list;
}

/** @throws Inconclusive */
export function requireTimes(
  items: readonly JsonObject[],
): readonly { readonly start: number; readonly end: number }[] {
  return items.map(({ start, end }) => {
    if (typeof start === "number" && typeof end === "number") return { start, end };
    throw new Inconclusive("a part has no times, which another check judges", OWNERS.heardSegments);
  });
}
