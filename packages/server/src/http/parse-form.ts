/**
 * Takes a form (`multipart/form-data`, RFC 7578) apart. It works on all bytes at once and returns or throws: there is
 * no stream whose error could be missed, whatever a client has cut off. File contents are views of the body, not
 * copies.
 */

import { AiError } from "@openai-compat/core";
import type { FormField } from "@openai-compat/core";

/** Beyond any form of the API: one file, and a few fields that may be repeated. */
export const PARTS_MAX = 100;
/** Of a field that is no file. */
export const FIELD_BYTES_MAX = 1024 * 1024;
/** Of the names of fields and files. */
export const NAME_BYTES_MAX = 200;
/** Of all headers of one part. */
export const PART_HEAD_BYTES_MAX = 16 * 1024;
/** RFC 2046, section 5.1.1. */
export const BOUNDARY_BYTES_MAX = 70;

/**
 * Lines of a part that begin like the boundary. None should (RFC 2046, section 5.1.1), and each takes a closer look.
 */
export const NEAR_BOUNDARIES_MAX = 1000;

const CRLF = Buffer.from("\r\n");
const HEAD_END = Buffer.from("\r\n\r\n");

/** @returns null when the content type is no form or names no usable boundary. */
export function readBoundary(contentType: string): string | null {
  const parsed = parseParameters(contentType);
  if (parsed?.value.toLowerCase() !== "multipart/form-data") return null;
  const boundary = parsed.parameters.get("boundary") ?? "";
  const isUsable = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(boundary) && boundary.length <= BOUNDARY_BYTES_MAX;
  return isUsable ? boundary : null;
}

/** @throws AiError `invalid_request` that says what is wrong with the form. */
export function parseForm(bytes: Buffer, boundary: string): readonly FormField[] {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const fields: FormField[] = [];
  let position = findFirstDelimiter(bytes, delimiter);
  for (;;) {
    if (isAt(bytes, position, "--")) return fields;
    position = skipLineEnd(bytes, position);
    if (fields.length === PARTS_MAX) throw refuse(`it has more than ${PARTS_MAX} parts`);
    const head = readHead(bytes, position);
    const end = findDelimiter(bytes, delimiter, head.end - CRLF.length);
    if (end === -1) throw refuse("it ends before its last boundary");
    fields.push(decodeField(head.headers, bytes.subarray(head.end, Math.max(end, head.end))));
    position = end + delimiter.length;
  }
}

/** @returns where the bytes behind it begin. What comes before it is a preamble, which says nothing. */
function findFirstDelimiter(bytes: Buffer, delimiter: Buffer): number {
  const bare = delimiter.subarray(CRLF.length);
  const isFirst = bytes.subarray(0, bare.length).equals(bare) && isDelimiterEnd(bytes, bare.length);
  if (isFirst) return bare.length;
  const found = findDelimiter(bytes, delimiter, 0);
  if (found === -1) throw refuse("its boundary, as the content type names it, is not in the body");
  return found + delimiter.length;
}

/** @returns the index of the line break before the next boundary; -1 when there is none. */
function findDelimiter(bytes: Buffer, delimiter: Buffer, from: number): number {
  let found = bytes.indexOf(delimiter, from);
  for (let count = 0; found !== -1 && !isDelimiterEnd(bytes, found + delimiter.length); count += 1) {
    if (count === NEAR_BOUNDARIES_MAX) throw refuse("its boundary stands in the content of a part too often");
    found = bytes.indexOf(delimiter, found + 1);
  }
  return found;
}

/** A line that goes on is content that only begins like the boundary. */
function isDelimiterEnd(bytes: Buffer, position: number): boolean {
  return isAt(bytes, position, "--") || isAt(bytes, skipPadding(bytes, position), "\r\n");
}

function skipLineEnd(bytes: Buffer, position: number): number {
  return skipPadding(bytes, position) + CRLF.length;
}

/** Spaces and tabs that a gateway may have added behind a boundary. */
function skipPadding(bytes: Buffer, position: number): number {
  let index = position;
  while (bytes[index] === 0x20 || bytes[index] === 0x09) index += 1;
  return index;
}

function isAt(bytes: Buffer, position: number, text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[position + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

interface PartHead {
  /** Names in lower case; of a repeated header the first. */
  readonly headers: ReadonlyMap<string, string>;
  /** Where the content begins. */
  readonly end: number;
}

function readHead(bytes: Buffer, start: number): PartHead {
  if (isAt(bytes, start, "\r\n")) return { headers: new Map(), end: start + CRLF.length };
  const end = bytes.subarray(start, start + PART_HEAD_BYTES_MAX).indexOf(HEAD_END);
  if (end === -1) throw refuse(`the headers of a part do not end, or have more than ${PART_HEAD_BYTES_MAX} bytes`);
  const lines = bytes
    .toString("utf8", start, start + end)
    .replaceAll(/\r\n[ \t]+/g, " ")
    .split("\r\n");
  const headers = new Map<string, string>();
  for (const line of lines) {
    const match = /^([!#$%&'*+.^`|~\w-]+):[ \t]*([^\r\n\0]*)$/.exec(line);
    if (match === null) throw refuse("a part has a malformed header");
    const [, name = "", value = ""] = match;
    if (!headers.has(name.toLowerCase())) headers.set(name.toLowerCase(), value.trimEnd());
  }
  return { headers, end: start + end + HEAD_END.length };
}

function decodeField(headers: PartHead["headers"], content: Buffer): FormField {
  const disposition = parseParameters(headers.get("content-disposition") ?? "");
  const name = disposition?.parameters.get("name");
  if (disposition?.value.toLowerCase() !== "form-data" || name === undefined) {
    throw refuse('a part has no header "content-disposition: form-data" with a name');
  }
  checkTransferEncoding(headers.get("content-transfer-encoding"));
  const contentType = headers.get("content-type") ?? "text/plain";
  const fileName = readFileName(disposition.parameters);
  if ([name, fileName ?? ""].some((text) => Buffer.byteLength(text) > NAME_BYTES_MAX)) {
    throw refuse(`the name of a field or file has more than ${NAME_BYTES_MAX} bytes`);
  }
  if (fileName === null && !/^application\/octet-stream\b/i.test(contentType)) {
    return { name, value: decodeText(content, contentType) };
  }
  return { name, fileName: fileName ?? "", contentType, bytes: content };
}

/** Encoded parts were given up in 2015 (RFC 7578, section 4.7); taken as they are, they would be garbage. */
function checkTransferEncoding(encoding: string | undefined): void {
  if (encoding === undefined || /^(?:7bit|8bit|binary)$/i.test(encoding)) return;
  throw refuse("a part has a content-transfer-encoding; send its bytes as they are");
}

function readFileName(parameters: ReadonlyMap<string, string>): string | null {
  const extended = /^utf-8'[^']*'(.*)$/i.exec(parameters.get("filename*") ?? "")?.[1];
  const fileName = (extended === undefined ? null : decodePercent(extended)) ?? parameters.get("filename") ?? null;
  // Some clients send a whole path, which the upstream must not see.
  return fileName === null ? null : fileName.replace(/^.*[/\\]/s, "");
}

function decodePercent(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    // A malformed escape: the plain file name, if there is one, has to do.
    return null;
  }
}

function decodeText(content: Buffer, contentType: string): string {
  if (content.length > FIELD_BYTES_MAX) throw refuse(`a field has more than ${FIELD_BYTES_MAX} bytes`);
  const charset = parseParameters(contentType)?.parameters.get("charset") ?? "utf-8";
  try {
    return new TextDecoder(charset, { fatal: true }).decode(content);
  } catch (thrown) {
    throw refuse("a field is not text in the charset that it names, UTF-8 where it names none", thrown);
  }
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

function refuse(reason: string, cause?: unknown): AiError {
  return new AiError("invalid_request", `The form can't be read: ${reason}.`, cause === undefined ? {} : { cause });
}
