/**
 * What the cache holds of one model. A model counts as cached when its file has the pinned size and a marker says that
 * exactly this file was verified, so a start costs two reads of the file system and not the hash of a large file.
 */
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import type { CatalogueEntry } from "./catalogue.ts";
import { fileSize, hasPinnedBytes } from "./file-checksum.ts";

export interface ModelPaths {
  /** The cache. */
  readonly root: string;
  /** Everything of one model. */
  readonly directory: string;
  readonly artefact: string;
  readonly marker: string;
  readonly lock: string;
  /** Unfinished and unverified files; empty once the model is there. */
  readonly downloads: string;
}

export interface CachedModel {
  readonly id: string;
  readonly path: string;
  /** The source that delivered it, in words. */
  readonly source: string;
}

/** Modification time is part of it: a file that was touched since is verified again. */
interface Marker {
  readonly sha256: string;
  readonly modifiedMs: number;
  readonly source: string;
}

/** @param cacheRoot as `cacheDirectory()` says; models lie in `models/<id>` below it */
export function modelPaths(cacheRoot: string, entry: CatalogueEntry): ModelPaths {
  const directory = path.join(cacheRoot, "models", entry.id);
  const artefact = path.join(directory, entry.artefact.fileName);
  return {
    root: cacheRoot,
    directory,
    artefact,
    marker: `${artefact}.verified.json`,
    lock: path.join(directory, "pull.lock"),
    downloads: path.join(directory, "downloads"),
  };
}

/** The cached model, or `null` when there is none or its file is not the one that was verified. */
export async function readCachedModel(paths: ModelPaths, entry: CatalogueEntry): Promise<CachedModel | null> {
  const marker = await readMarker(paths.marker);
  if (marker === null || marker.sha256 !== (entry.artefact.sha256 ?? marker.sha256)) return null;
  const stats = await stat(paths.artefact).catch(() => null);
  if (stats?.size !== entry.artefact.sizeBytes || stats.mtimeMs !== marker.modifiedMs) return null;
  return { id: entry.id, path: paths.artefact, source: marker.source };
}

/**
 * Records that the artefact, as it now stands, has this checksum. Only for a caller who has just checked that, and that it is the pinned one
 * where one is pinned.
 */
export async function markVerified(
  paths: ModelPaths,
  entry: CatalogueEntry,
  { sha256, source }: Pick<Marker, "sha256" | "source">,
): Promise<CachedModel> {
  const { mtimeMs } = await stat(paths.artefact);
  const marker: Marker = { sha256, modifiedMs: mtimeMs, source };
  const temporary = `${paths.marker}.${process.pid}.tmp`;
  await writeFile(temporary, JSON.stringify(marker));
  await rename(temporary, paths.marker);
  return { id: entry.id, path: paths.artefact, source };
}

/** Hashes the cached file. `damaged` takes its marker away, so that the next pull fetches the model again. */
export async function rehashCachedModel(
  paths: ModelPaths,
  entry: CatalogueEntry,
  signal?: AbortSignal,
): Promise<"missing" | "intact" | "damaged"> {
  if ((await fileSize(paths.artefact)) === null) return "missing";
  const sha256 = entry.artefact.sha256 ?? (await readMarker(paths.marker))?.sha256;
  if (sha256 !== undefined && (await hasPinnedBytes(paths.artefact, { ...entry.artefact, sha256 }, { signal }))) {
    return "intact";
  }
  await rm(paths.marker, { force: true });
  return "damaged";
}

async function readMarker(markerPath: string): Promise<Marker | null> {
  try {
    const value: unknown = JSON.parse(await readFile(markerPath, "utf8"));
    if (typeof value !== "object" || value === null) return null;
    const { sha256, modifiedMs, source } = value as Partial<Record<keyof Marker, unknown>>;
    if (typeof sha256 !== "string" || typeof modifiedMs !== "number" || typeof source !== "string") return null;
    return { sha256, modifiedMs, source };
  } catch {
    return null;
  }
}
