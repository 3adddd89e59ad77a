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

/** The parts of a form that are texts; of a file only that it is there. */
export function decodeForm(call: ReferenceCall): Decoded {
  const { "content-type": contentType = "" } = call.headers;
  const boundary = /^multipart\/form-data\b.*\bboundary="?([^";]+)/i.exec(contentType)?.[1];
  if (boundary === undefined) return { refusal: makeRefusal("unsupported_media_type") };
  if (call.body === null) return { refusal: makeRefusal("body_too_large") };
  const parts = Buffer.from(call.body).toString("latin1").split(`--${boundary}`);
  const entries = parts.flatMap((part) => {
    const [, name, file, value] = /name="([^"]+)"(; filename=)?[^]*?\r\n\r\n([^]*)\r\n$/.exec(part) ?? [];
    return name === undefined ? [] : [[name, file === undefined ? value : { bytes: value?.length }] as const];
  });
  return { fields: Object.fromEntries(entries) };
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
