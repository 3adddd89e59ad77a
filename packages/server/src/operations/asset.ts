/**
 * Files that the server hands out as they are: where each lies, in the published package and in the repository. A file
 * is read once, by the first request for it, and all answers share its bytes: a stream of its own for each would hold a
 * file open for as long as its client likes, and could fail in the middle.
 */

import { readFile, stat } from "node:fs/promises";

/** The first place is beside the bundle, the second where the file comes from. */
const ASSET_PLACES = {
  "openapi.json": ["./openapi.json", "../../../../spec/openapi.json"],
  "standalone.js": ["./standalone.js", "../../node_modules/@scalar/api-reference/dist/browser/standalone.js"],
  "realtime.js": ["./realtime.js", "../demo/realtime.js"],
  "capture-worklet.js": ["./capture-worklet.js", "../demo/capture-worklet.js"],
} as const;

export type AssetName = keyof typeof ASSET_PLACES;

export interface Asset {
  readonly url: URL;
  readonly sizeBytes: number;
  /** Changes when the file does. */
  readonly entityTag: string;
}

/** @returns null when the file was not installed. */
export async function findAsset(name: AssetName): Promise<Asset | null> {
  for (const place of ASSET_PLACES[name]) {
    const url = new URL(place, import.meta.url);
    const found = await stat(url).catch(() => null);
    if (found?.isFile() !== true) continue;
    return {
      url,
      sizeBytes: found.size,
      entityTag: `"${found.size.toString(36)}-${Math.trunc(found.mtimeMs).toString(36)}"`,
    };
  }
  return null;
}

/** The file, or 304 when the caller has it already. @throws Error when it can't be read. */
export async function serveAsset(asset: Asset, request: Request, contentType: string): Promise<Response> {
  const headers = { etag: asset.entityTag, "cache-control": "no-cache", "x-content-type-options": "nosniff" };
  const known = request.headers.get("if-none-match") ?? "";
  if (known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === asset.entityTag)) {
    return new Response(null, { status: 304, headers });
  }
  const body = request.method === "HEAD" ? null : await readAsset(asset);
  return new Response(body, {
    headers: { ...headers, "content-type": contentType, "content-length": String(asset.sizeBytes) },
  });
}

interface ReadFile {
  readonly entityTag: string;
  readonly bytes: Promise<Buffer<ArrayBuffer>>;
}

/** By URL; as many as there are assets. */
const filesRead = new Map<string, ReadFile>();

async function readAsset({ url, entityTag, sizeBytes }: Asset): Promise<Buffer<ArrayBuffer>> {
  const known = filesRead.get(url.href);
  const file = known?.entityTag === entityTag ? known : { entityTag, bytes: readFile(url) };
  filesRead.set(url.href, file);
  try {
    const bytes = await file.bytes;
    if (bytes.length !== sizeBytes) throw new Error("the file is being replaced");
    return bytes;
  } catch (thrown) {
    // The next request reads it anew.
    if (filesRead.get(url.href) === file) filesRead.delete(url.href);
    throw new Error(`The file ${url.pathname} can't be read.`, { cause: thrown });
  }
}
