/** Files that the server hands out as they are: where each lies, in the published package and in the repository. */

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";

/** The first place is beside the bundle, the second where the file comes from. */
const ASSET_PLACES = {
  "openapi.json": ["./openapi.json", "../../../../spec/openapi.json"],
  "standalone.js": ["./standalone.js", "../../node_modules/@scalar/api-reference/dist/browser/standalone.js"],
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

/** Streams the file, or answers 304 when the caller has it already. It never holds the whole file in memory. */
export function serveAsset(asset: Asset, request: Request, contentType: string): Response {
  const headers = { etag: asset.entityTag, "cache-control": "no-cache", "x-content-type-options": "nosniff" };
  const known = request.headers.get("if-none-match") ?? "";
  if (known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === asset.entityTag)) {
    return new Response(null, { status: 304, headers });
  }
  const body = request.method === "HEAD" ? null : readAsset(asset);
  return new Response(body, {
    headers: { ...headers, "content-type": contentType, "content-length": String(asset.sizeBytes) },
  });
}

function readAsset(asset: Asset): ReadableStream<Uint8Array> {
  return Readable.toWeb(createReadStream(asset.url));
}
