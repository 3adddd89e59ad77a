/**
 * Reads a form (`multipart/form-data`) within bounds: bytes, time, number and size of its parts. Fields come in any
 * order and keep it. It is called after authorisation; nothing has touched the body before.
 */

import { Readable } from "node:stream";
import { AiError } from "@openai-compat/core";
import type { RelayField } from "@openai-compat/core";
import { readBodyBytes } from "./read-body.ts";
import type { BodyLimits, ReadBodyOptions } from "./read-body.ts";

/** Beyond any form of the API: one file, and a few fields that may be repeated. */
const PARTS_MAX = 100;
const FIELD_BYTES_MAX = 1024 * 1024;
const FIELD_NAME_BYTES_MAX = 200;

/**
 * @throws AiError `unsupported_media_type` (not a form), what `readBodyBytes` throws, and `invalid_request` when the form
 *   is malformed or has too many or too large parts.
 */
export async function readFormBody(
  request: Request,
  limits: BodyLimits,
  options: ReadBodyOptions,
): Promise<readonly RelayField[]> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\s*;.*boundary=/i.test(contentType)) {
    const shown = contentType === "" ? "none" : `"${contentType.slice(0, 80)}"`;
    throw new AiError("unsupported_media_type", `Unsupported content type ${shown}. Send "multipart/form-data".`);
  }
  const bytes = await readBodyBytes(request, limits, options);
  return parseForm(contentType, bytes);
}

async function parseForm(contentType: string, bytes: Uint8Array): Promise<readonly RelayField[]> {
  // Loaded with the first form: most servers never see one.
  const { Busboy } = await import("@fastify/busboy");
  const { promise, resolve, reject } = Promise.withResolvers<readonly RelayField[]>();
  const parts: Promise<RelayField>[] = [];
  const refuse = (reason: string) => reject(new AiError("invalid_request", `The form can't be read: ${reason}.`));
  let parser: InstanceType<typeof Busboy>;
  try {
    parser = new Busboy({
      headers: { "content-type": contentType },
      limits: {
        parts: PARTS_MAX,
        fieldSize: FIELD_BYTES_MAX,
        fieldNameSize: FIELD_NAME_BYTES_MAX,
        fileSize: bytes.length,
      },
    });
  } catch (thrown) {
    throw new AiError("invalid_request", "The form can't be read: its content type is malformed.", { cause: thrown });
  }
  parser.on("field", (name, value, nameTruncated, valueTruncated) => {
    if (nameTruncated || valueTruncated)
      refuse(`a field has more than ${FIELD_BYTES_MAX} bytes, or its name is too long`);
    parts.push(Promise.resolve({ name, value }));
  });
  parser.on("file", (name, stream, ...[fileName, , type]) => {
    parts.push(collectFile(stream).then((fileBytes) => ({ name, fileName, contentType: type, bytes: fileBytes })));
  });
  parser.on("partsLimit", () => refuse(`it has more than ${PARTS_MAX} parts`));
  parser.on("error", (error: unknown) =>
    refuse(error instanceof Error ? error.message.slice(0, 100) : "it is malformed"),
  );
  parser.on("finish", () => resolve(Promise.all(parts)));
  Readable.from([bytes]).pipe(parser);
  return promise;
}

async function collectFile(stream: AsyncIterable<Buffer>): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
