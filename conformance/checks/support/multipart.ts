/** Forms (`multipart/form-data`, RFC 7578) byte by byte, so that a check decides what the wire sees. Nothing here judges. */

export interface FormPart {
  readonly name: string;
  readonly value: string | Uint8Array;
  /** Default: none, as a text has none. */
  readonly fileName?: string;
  /** Default: none. */
  readonly contentType?: string;
}

export interface FormOptions {
  /** Default `conformance-boundary`. */
  readonly boundary?: string;
  /** In front of the first boundary. */
  readonly preamble?: string;
}

export interface SentForm {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: { readonly "content-type": string };
}

const BOUNDARY = "conformance-boundary";

export function composeMultipart(parts: readonly FormPart[], options: FormOptions = {}): SentForm {
  const { boundary = BOUNDARY, preamble = "" } = options;
  const pieces = parts.flatMap(({ name, value, fileName, contentType }) => {
    const file = fileName === undefined ? "" : `; filename="${fileName}"`;
    const type = contentType === undefined ? "" : `content-type: ${contentType}\r\n`;
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n${type}\r\n`;
    return [Buffer.from(head), Buffer.from(value), Buffer.from("\r\n")];
  });
  const body = Buffer.concat([Buffer.from(preamble), ...pieces, Buffer.from(`--${boundary}--\r\n`)]);
  return {
    body: new Uint8Array(body),
    headers: { "content-type": `multipart/form-data; boundary=${boundary}` },
  };
}
