/** Encodes a form as `multipart/form-data`, whatever its fields mean. */

import { randomBytes } from "node:crypto";
import type { FormField } from "@openai-compat/core";

/** A type and subtype, with parameters whose values need no quotes: nothing that could end the line. */
const CONTENT_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:; ?[\w-]+=[\w.+-]+)*$/;

export interface EncodedForm {
  readonly contentType: string;
  /** The body. Contents of files are the pieces that were given, not copies. */
  readonly pieces: readonly Uint8Array[];
  /** Of all pieces. */
  readonly bytes: number;
}

/**
 * Escapes names as browsers do.
 *
 * @see https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
 */
export function encodeForm(fields: readonly FormField[]): EncodedForm {
  const boundary = `form-${randomBytes(18).toString("hex")}`;
  const parts = fields.flatMap((field) => [Buffer.from(encodeHead(field, boundary)), ...encodeContent(field), CRLF]);
  const pieces = [...parts, Buffer.from(`--${boundary}--\r\n`)];
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    pieces,
    bytes: pieces.reduce((sum, piece) => sum + piece.length, 0),
  };
}

const CRLF = Buffer.from("\r\n");

function encodeHead(field: FormField, boundary: string): string {
  const disposition = `--${boundary}\r\ncontent-disposition: form-data; name="${escapeName(field.name)}"`;
  if ("value" in field) return `${disposition}\r\n\r\n`;
  const contentType = CONTENT_TYPE.test(field.contentType) ? field.contentType : "application/octet-stream";
  return `${disposition}; filename="${escapeName(field.fileName)}"\r\ncontent-type: ${contentType}\r\n\r\n`;
}

function encodeContent(field: FormField): readonly Uint8Array[] {
  return "value" in field ? [Buffer.from(field.value)] : field.pieces;
}

function escapeName(name: string): string {
  return name.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}
