/**
 * Decodes an error's body, in any of the formats that servers write. What it means for the caller is decided in
 * `decode-error.ts`.
 */

import { isRecord, type JsonRecord } from "./json-value.ts";

export interface UpstreamErrorBody {
  readonly message: string;
  readonly type: string;
  readonly code: string;
  readonly param: string | null;
  /** An HTTP status that stands in the body; null for none. */
  readonly status: number | null;
}

/** Length of a plain text: longer text is not a message. */
const TEXT_LENGTH_MAX = 4096;

/**
 * OpenAI's envelope, a text in its place, the flat formats of vLLM and others, FastAPI's `detail`, RFC 9457, lists of
 * these, plain text, and the title of a web page.
 *
 * @returns null for a body without a message
 */
export function decodeErrorBody(body: string): UpstreamErrorBody | null {
  const text = body.trim();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return fromText(text);
  }
  return fromValue(Array.isArray(value) ? value[0] : value);
}

/** Whether the data of a 200 answer is an error: it says so, or contains nothing but a message. */
export function isErrorBody(body: JsonRecord): boolean {
  const { error, object, type } = body;
  if (error !== undefined && error !== null && error !== false && error !== "") return true;
  if (object === "error" || type === "error") return true;
  if (isAnswer(body)) return false;
  return body["detail"] !== undefined || typeof body["message"] === "string";
}

/** The fields of answers of the API. */
const ANSWER_FIELDS = ["choices", "data", "text", "usage", "object", "delta"];

function isAnswer(body: JsonRecord): boolean {
  return ANSWER_FIELDS.some((field) => body[field] !== undefined && body[field] !== null);
}

function fromValue(value: unknown): UpstreamErrorBody | null {
  if (typeof value === "string") return fromText(value);
  if (!isRecord(value)) return null;
  const { error = value } = value;
  if (typeof error === "string") return { ...NOTHING, message: error, status: readStatus(value) };
  if (!isRecord(error)) return fromFields(value);
  return fromFields({ ...pick(value, ["code", "status"]), ...error });
}

function fromFields(fields: JsonRecord): UpstreamErrorBody | null {
  const { type, code, param } = fields;
  const detail = readDetail(fields["detail"] ?? fields["errors"]);
  const message = readMessage(fields) ?? detail?.message;
  if (message === undefined) return null;
  return {
    message,
    type: typeof type === "string" ? type : "",
    code: typeof code === "string" ? code : "",
    param: typeof param === "string" && param !== "" ? param : (detail?.param ?? null),
    status: readStatus(fields),
  };
}

const NOTHING = { message: "", type: "", code: "", param: null, status: null };

function readMessage(fields: JsonRecord): string | undefined {
  const words = [fields["message"], fields["detail"], fields["msg"], fields["error_description"], fields["title"]];
  for (const word of words) {
    if (typeof word === "string" && word !== "") return word;
    if (isRecord(word) && typeof word["message"] === "string") return word["message"];
  }
  return undefined;
}

interface Detail {
  readonly message: string;
  readonly param: string | null;
}

/** FastAPI's list of errors: only the first entry is used. */
function readDetail(detail: unknown): Detail | null {
  const first: unknown = Array.isArray(detail) ? detail[0] : detail;
  if (typeof first === "string") return { message: first, param: null };
  if (!isRecord(first)) return null;
  const message = readMessage(first) ?? (typeof first["error"] === "string" ? first["error"] : undefined);
  if (message === undefined) return null;
  const place = Array.isArray(first["loc"]) ? first["loc"].filter((step) => step !== "body") : [];
  const param = place.length === 0 ? null : place.map(String).join(".");
  return { message: param === null ? message : `${param}: ${message}`, param };
}

function readStatus(fields: JsonRecord): number | null {
  for (const value of [fields["code"], fields["status"], fields["status_code"]]) {
    const status = typeof value === "string" && value !== "" ? Number(value) : value;
    if (typeof status === "number" && Number.isInteger(status) && status >= 400 && status <= 599) return status;
  }
  return null;
}

function fromText(text: string): UpstreamErrorBody | null {
  if (/^[{[]/.test(text)) return null;
  const isPage = text.startsWith("<");
  const message = isPage ? (/<(title|h1)[^>]*>([^<]+)<\/\1>/i.exec(text)?.[2] ?? "") : text;
  const line = message.replaceAll(/\s+/g, " ").trim();
  return line === "" || line.length > TEXT_LENGTH_MAX ? null : { ...NOTHING, message: line };
}

function pick(record: JsonRecord, names: readonly string[]): JsonRecord {
  return Object.fromEntries(names.map((name) => [name, record[name]]));
}
