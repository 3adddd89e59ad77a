/** Downloads a model of the catalogue and shows its progress. */

import {
  cacheDirectory,
  createProgressReporter,
  findCachedModel,
  listCatalogue,
  pullModel,
  wrapProse,
} from "@openai-compat/engines";
import type { CatalogueEntry } from "@openai-compat/engines";
import type { PulledFile } from "./engine-kinds/engine-kind.ts";

const MEGABYTE = 1_000_000;

/** The model's file, from the cache or pulled with its size said before and a progress bar, both on standard error. */
export async function pullWithProgress(entry: CatalogueEntry, signal: AbortSignal): Promise<PulledFile> {
  if ((await findCachedModel(entry.id)) === null) {
    const size = Math.round((await countMissingBytes(entry)) / MEGABYTE);
    const announcement = `${entry.name} (${entry.licence}) is not in the cache: ${size} MB are to be downloaded to ${cacheDirectory()}.\n`;
    process.stderr.write(wrapProse(announcement, process.stderr));
  }
  const progress = createProgressReporter({ label: entry.name });
  try {
    const pulled = await pullModel({ id: entry.id, onProgress: progress.onProgress, signal });
    return { path: pulled.path, source: pulled.fromCache ? "the cache" : pulled.source };
  } finally {
    progress.stop();
  }
}

/** What the first sources deliver, of the entry and of what it needs. */
async function countMissingBytes(entry: CatalogueEntry): Promise<number> {
  let bytes = entry.sources[0]?.file.sizeBytes ?? entry.artefact.sizeBytes;
  for (const needed of listCatalogue().filter(({ id }) => entry.needs?.includes(id))) {
    if ((await findCachedModel(needed.id)) === null) bytes += await countMissingBytes(needed);
  }
  return bytes;
}
