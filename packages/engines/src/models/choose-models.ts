/** Which models of the catalogue this machine has the memory and the disk for. Nothing is pulled here. */
import { cacheDirectory } from "./cache-directory.ts";
import { MODEL_PROCESS_BYTES } from "../host/process-bytes.ts";
import { listCatalogue, type CatalogueEntry } from "./catalogue.ts";
import { countNeededBytes, readFreeBytes } from "./disk-space.ts";
import { findCachedModel } from "./pull.ts";

/** What a machine offers. */
export interface Capacity {
  /** Free at the cache. */
  readonly diskBytes: number;
  /** What all models together may take; null: no limit. */
  readonly memoryBytes: number | null;
}

export interface Candidate {
  readonly entry: CatalogueEntry;
  /** A model that is there needs no more of the disk. */
  readonly isCached: boolean;
}

export interface ModelChoice {
  /** In the order of the candidates. */
  readonly fitting: readonly CatalogueEntry[];
  /** Why each of the others is left out, a sentence each. */
  readonly reasons: readonly string[];
}

export interface FittingModelsOptions {
  readonly type: CatalogueEntry["type"];
  /** What comes first: the best, or the smallest. */
  readonly order: "best" | "smallest";
  /** As `Capacity`. */
  readonly memoryBytes: number | null;
  /** As `Capacity`. Default: what is free at the cache. */
  readonly diskBytes?: number;
}

/** @throws Error of the file system when the free space at the cache can't be read */
export async function listFittingModels(options: FittingModelsOptions): Promise<ModelChoice> {
  const { type, order, memoryBytes, diskBytes = await readFreeBytes(cacheDirectory()) } = options;
  const candidates: Candidate[] = [];
  for (const entry of listCatalogue()) {
    if (entry.type === type) candidates.push({ entry, isCached: (await findCachedModel(entry.id)) !== null });
  }
  if (order === "smallest") {
    candidates.sort((left, right) => left.entry.artefact.sizeBytes - right.entry.artefact.sizeBytes);
  }
  return chooseModels(candidates, { diskBytes, memoryBytes });
}

/** A model fits when it is cached or its pull fits on the disk, and when it and its process fit into the memory of models alone. */
export function chooseModels(candidates: readonly Candidate[], capacity: Capacity): ModelChoice {
  const fitting: CatalogueEntry[] = [];
  const reasons: string[] = [];
  for (const { entry, isCached } of candidates) {
    const diskBytes = isCached ? 0 : countNeededBytes(entry);
    const memoryBytes = entry.memoryBytes + MODEL_PROCESS_BYTES;
    if (capacity.memoryBytes !== null && memoryBytes > capacity.memoryBytes) {
      reasons.push(`${describeLack(entry, "memory", { needed: memoryBytes, available: capacity.memoryBytes })}.`);
    } else if (diskBytes > capacity.diskBytes) {
      const what = `free disk space in ${cacheDirectory()}`;
      const lack = describeLack(entry, what, { needed: diskBytes, available: capacity.diskBytes });
      reasons.push(`${lack}: make room there, or set OPENAI_COMPAT_CACHE to a directory that has room.`);
    } else fitting.push(entry);
  }
  return { fitting, reasons };
}

function describeLack(
  { name }: CatalogueEntry,
  what: string,
  { needed, available }: { readonly needed: number; readonly available: number },
): string {
  const [needs, has] = [needed, available].map((bytes) => `${Math.ceil(bytes / 1_000_000)} MB`);
  return `${name} needs ${needs} of ${what}, and ${has} are available`;
}
