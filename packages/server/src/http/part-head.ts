/** The head of one part of a form (RFC 7578, section 4): which field it is, whether it is a file, and of what type. */

import { AiError } from "@openai-compat/core";

/** Of the names of fields. */
export const NAME_BYTES_MAX = 200;
/** Of the names of files: 255 characters, the most that file systems take, in UTF-8. */
export const FILE_NAME_BYTES_MAX = 1024;
/** RFC 2046, section 5.1.1. */
export const BOUNDARY_BYTES_MAX = 70;

export interface PartHead {
  readonly name: string;
  /** Null for none, which says nothing of the part's type. */
  readonly fileName: string | null;
  /** As it was sent; null for none. */
  readonly contentType: string | null;
}

/** @returns null when the content type is no form or names no usable boundary. */
export function readBoundary(contentType: string): string | null {
  const parsed = parseParameters(contentType);
  if (parsed?.value.toLowerCase() !== "multipart/form-data") return null;
  const boundary = parsed.parameters.get("boundary") ?? "";
  const isUsable = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(boundary) && boundary.length <= BOUNDARY_BYTES_MAX;
  return isUsable ? boundary : null;
}

/**
 * @param head its lines, without the empty one that ends them.
 * @throws AiError `invalid_request` that says what is wrong with it.
 */
export function decodePartHead(head: Buffer): PartHead {
  const headers = readHeaders(head);
  const disposition = parseParameters(headers.get("content-disposition") ?? "");
  const name = disposition?.parameters.get("name");
  if (disposition?.value.toLowerCase() !== "form-data" || name === undefined) {
    throw refuseForm('a part has no header "content-disposition: form-data" with a name');
  }
  checkTransferEncoding(headers.get("content-transfer-encoding"));
  const fileName = readFileName(disposition.parameters);
  checkLength(name, NAME_BYTES_MAX, "field");
  checkLength(fileName ?? "", FILE_NAME_BYTES_MAX, "file");
  return { name, fileName, contentType: headers.get("content-type") ?? null };
}

/** Null where the content type names none. */
export function readCharset(contentType: string): string | null {
  return parseParameters(contentType)?.parameters.get("charset") ?? null;
}

export function refuseForm(reason: string, cause?: unknown): AiError {
  return new AiError("invalid_request", `The form can't be read: ${reason}.`, cause === undefined ? {} : { cause });
}

/** @returns names in lower case; of a repeated header the first. */
function readHeaders(head: Buffer): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  if (head.length === 0) return headers;
  const lines = head
    .toString("utf8")
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  for (const line of lines) {
    const match = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([^\r\n\0]*)$/.exec(line);
    if (match === null) throw refuseForm("a part has a malformed header");
    const [, name = "", value = ""] = match;
    if (!headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value.trimEnd());
  }
  return headers;
}

function checkLength(name: string, bytesMax: number, what: "field" | "file"): void {
  if (Buffer.byteLength(name) > bytesMax) throw refuseForm(`the name of a ${what} has more than ${bytesMax} bytes`);
}

/** Encoded parts were given up in 2015 (RFC 7578, section 4.7); taken as they are, they would be garbage. */
function checkTransferEncoding(encoding: string | undefined): void {
  if (encoding === undefined || /^(?:7bit|8bit|binary)$/i.test(encoding)) return;
  throw refuseForm("a part has a content-transfer-encoding; send its bytes as they are");
}

/** @returns empty where there is one that can't be read: it is a file all the same. */
function readFileName(parameters: ReadonlyMap<string, string>): string | null {
  const extended = parameters.get("filename*");
  const plain = parameters.get("filename");
  if (extended === undefined && plain === undefined) return null;
  const fileName = (extended === undefined ? null : decodeExtended(extended)) ?? plain ?? "";
  // Some clients send a whole path, which the upstream must not see.
  return fileName.replace(/^.*[/\\]/s, "");
}

/** RFC 8187, section 3.2. Null for a malformed one: the plain file name, if there is one, has to do. */
function decodeExtended(value: string): string | null {
  const [, charset = "", text = ""] = /^(utf-8|iso-8859-1)'[^']*'(.*)$/i.exec(value) ?? [];
  try {
    if (charset.toLowerCase() === "utf-8") return decodeURIComponent(text);
  } catch {
    return null;
  }
  if (charset === "" || /%(?![\da-f]{2})/i.test(text)) return null;
  return text.replaceAll(/%(..)/g, (_match, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}

/** `;`, a name, and a value that is a token or quoted. A backslash escapes a quote and itself, as curl writes it. */
const PARAMETER = /;[ \t]*([!#$%&'*+.^`|~\w-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s";]+))[ \t]*/y;

interface ParametersHeader {
  readonly value: string;
  /** Names in lower case; of a repeated one the first. */
  readonly parameters: ReadonlyMap<string, string>;
}

/** A header such as `form-data; name="file"`. @returns null when it is malformed. */
function parseParameters(header: string): ParametersHeader | null {
  const start = header.includes(";") ? header.indexOf(";") : header.length;
  const parameters = new Map<string, string>();
  const pattern = new RegExp(PARAMETER);
  pattern.lastIndex = start;
  let position = start;
  for (let match = pattern.exec(header); match !== null; match = pattern.exec(header)) {
    const [, name = "", quoted, token = ""] = match;
    const value = quoted?.replaceAll(/\\(["\\])/g, "$1") ?? token;
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), value);
    position = pattern.lastIndex;
  }
  const isRead = /^[\s;]*$/.test(header.slice(position));
  return isRead ? { value: header.slice(0, start).trim(), parameters } : null;
}
