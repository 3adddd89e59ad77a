/** A file of a form, wherever it comes from. */

import { ClientError } from "../client-error.ts";

/** Bytes, with the name that tells the server their format. */
export interface NamedBytes {
  readonly data: Blob | Uint8Array;
  /** Such as `speech.mp3`: many servers take the format from its ending. */
  readonly name: string;
}

/**
 * A file on the disk, read while it is sent. In Node.js (from 20.16), Bun and Deno. Their `fetch` keeps what it has sent in
 * memory until the call ends, so the size of the file counts.
 */
export interface FilePath {
  readonly path: string;
}

/** A file of a form. */
export type Upload = Blob | Uint8Array | NamedBytes | FilePath;

const NAME_DEFAULT = "file";

/** @throws ClientError where a path can't be read. */
export async function openUpload(upload: Upload): Promise<File> {
  if (upload instanceof File) return upload;
  if (upload instanceof Blob) return new File([upload], NAME_DEFAULT, { type: upload.type });
  if (upload instanceof Uint8Array) return new File([upload], NAME_DEFAULT);
  if ("path" in upload) return openPath(upload.path);
  const type = upload.data instanceof Blob ? upload.data.type : "";
  return new File([upload.data], upload.name, { type });
}

/** Of `process`, as far as it is needed; absent in browsers. A static import of `node:fs` would break them. */
interface FileSystemHost {
  readonly getBuiltinModule?: (name: "node:fs") => {
    readonly openAsBlob?: (path: string) => Promise<Blob>;
  };
}

async function openPath(path: string): Promise<File> {
  const host: FileSystemHost | undefined = Reflect.get(globalThis, "process");
  const openAsBlob = host?.getBuiltinModule?.("node:fs").openAsBlob;
  if (openAsBlob === undefined) {
    throw new ClientError({
      kind: "invalid-request",
      message: "A path needs Node.js from 20.16, Bun or Deno: pass a File or a Blob instead.",
    });
  }
  try {
    return new File([await openAsBlob(path)], path.split(/[\\/]/).at(-1) ?? NAME_DEFAULT);
  } catch (thrown) {
    throw new ClientError({
      kind: "invalid-request",
      code: "file_unreadable",
      message: `The file ${path} can't be read.`,
      cause: thrown,
    });
  }
}

/** Whether a value of a form is a file. */
export function isUpload(value: unknown): value is Upload {
  if (value instanceof Blob || value instanceof Uint8Array) return true;
  if (typeof value !== "object" || value === null) return false;
  return ("path" in value && typeof value.path === "string") || ("data" in value && "name" in value);
}
