/** From a body to the fields that it holds. */

import type { ReferenceCall } from "../call.ts";
import { makeRefusal } from "../refusal.ts";
import type { BodyReader, Decoded, Fields } from "./operation.ts";

export function decodeJson(call: ReferenceCall, reader: BodyReader): Decoded {
  if (!reader.acceptsContentType(call.headers["content-type"] ?? "")) {
    return { refusal: makeRefusal("unsupported_media_type") };
  }
  if (call.body === null) return { refusal: makeRefusal("body_too_large") };
  const fields = parseObject(reader.decodeText(call.body));
  return fields === null ? { refusal: makeRefusal("bad_json") } : { fields };
}

/** The parts of a form: texts, and the bytes of a file. A name with brackets is that of a list. */
export function decodeForm(call: ReferenceCall): Decoded {
  const { "content-type": contentType = "" } = call.headers;
  const boundary = /^multipart\/form-data\b.*\bboundary="?([^";]+)/i.exec(contentType)?.[1];
  if (boundary === undefined) return { refusal: makeRefusal("unsupported_media_type") };
  if (call.body === null) return { refusal: makeRefusal("body_too_large") };
  const fields: Record<string, unknown> = {};
  for (const part of Buffer.from(call.body).toString("latin1").split(`--${boundary}`)) {
    const { head = "", value = "" } = /^\r\n(?<head>[^]*?)\r\n\r\n(?<value>[^]*)\r\n$/.exec(part)?.groups ?? {};
    const [, name, brackets] = /\bname="([^"[]+)(\[\])?/.exec(head) ?? [];
    if (name === undefined) continue;
    const isFile = /\bfilename|^content-type: audio/im.test(head);
    const sent = isFile ? { bytes: Buffer.from(value, "latin1") } : value;
    fields[name] = brackets === undefined ? sent : [fields[name] ?? [], sent].flat();
  }
  return { fields };
}

function parseObject(text: string | null): Fields | null {
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
}
