/**
 * Gets a model: from the cache, else from the first of its sources that delivers the pinned bytes. The one place that
 * decides the order; how a source is read, a file verified or converted is in the modules beside it.
 */
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import { cacheDirectory } from "./cache-directory.ts";
import {
  markVerified,
  modelPaths,
  readCachedModel,
  rehashCachedModel,
  type CachedModel,
  type ModelPaths,
} from "./cached-model.ts";
import { listCatalogue, type CatalogueEntry, type Conversion } from "./catalogue.ts";
import { hasPinnedBytes } from "./file-checksum.ts";
import { convertBertToGguf } from "./convert/bert-to-gguf.ts";
import { convertBertToSafetensors } from "./convert/bert-to-safetensors.ts";
import { requantiseGguf } from "./convert/gguf-requantise.ts";
import { convertWhisperToSafetensors } from "./convert/whisper/whisper-to-safetensors.ts";
import type { WriteOptions, WrittenFile } from "./write-pinnable-file.ts";
import { NotEnoughDiskSpaceError, readFreeBytes, requireDiskSpace, sweepPartialFiles } from "./disk-space.ts";
import {
  CacheUnusableError,
  ModelUnavailableError,
  describeFailure,
  isDiskFailure,
  type PullAttempt,
} from "./model-unavailable-error.ts";
import { deliverFiles, describeSource, type DeliveredPaths } from "./model-source.ts";
import type { SourceContext } from "./source-context.ts";
import { DEFAULT_LOCK_SETTINGS, acquireLock } from "./pull-lock.ts";
import type { ModelLookup, PullOptions } from "./pull-options.ts";

export interface PulledModel extends CachedModel {
  readonly fromCache: boolean;
}

/**
 * The model's file, verified, ready to be loaded; what it needs is pulled before it. Several processes may call this at once: one fetches, the others wait
 * for it and then find the file.
 *
 * @throws AiError `model_not_found` when the catalogue has no such model; `cancelled` when `signal` aborts (what was
 *   received stays and is continued by the next pull)
 * @throws AiError `engine_unavailable` when the cache can't be read or written
 * @throws ModelUnavailableError when no source delivers it
 */
export async function pullModel(options: PullOptions): Promise<PulledModel> {
  const { entry, paths } = locateModel(options);
  for (const id of entry.needs ?? []) await pullModel({ ...options, id });
  try {
    const cached = await readCachedModel(paths, entry);
    if (cached !== null) return { ...cached, fromCache: true };
    return await pullLocked(options, entry, paths);
  } catch (error) {
    if (error instanceof AiError) throw error;
    if (options.signal?.aborted === true) {
      const message = `The pull of ${entry.id} was cancelled. The next one goes on where it ended.`;
      throw new AiError("cancelled", message, { cause: error });
    }
    const reason = describeFailure(error);
    if (isDiskFailure(error)) throw new CacheUnusableError(entry.id, reason, paths.root);
    throw new AiError("engine_unavailable", `The model ${entry.id} can't be pulled: ${reason}.`, { cause: error });
  }
}

/**
 * The model's file when the cache has it and all that it needs, verified earlier; `null` otherwise. Reads no more than
 * the size of a file.
 */
export async function findCachedModel(id: string, options: Omit<ModelLookup, "id"> = {}): Promise<CachedModel | null> {
  const { entry, paths } = locateModel({ ...options, id });
  for (const needed of entry.needs ?? []) if ((await findCachedModel(needed, options)) === null) return null;
  return readCachedModel(paths, entry);
}

/** Reads the whole cached file and compares its checksum. A damaged file is fetched again by the next pull. */
export async function verifyCachedModel(
  options: ModelLookup & { readonly signal?: AbortSignal },
): Promise<"missing" | "intact" | "damaged"> {
  const { entry, paths } = locateModel(options);
  return rehashCachedModel(paths, entry, options.signal);
}

function locateModel(lookup: ModelLookup & Pick<PullOptions, "environment">): {
  entry: CatalogueEntry;
  paths: ModelPaths;
} {
  const catalogue = lookup.catalogue ?? listCatalogue();
  const entry = catalogue.find((candidate) => candidate.id === lookup.id);
  if (entry === undefined) {
    const known = catalogue.map((candidate) => candidate.id).join(", ");
    throw new AiError("model_not_found", `There is no model ${lookup.id} in the catalogue. It has: ${known}.`);
  }
  const root = lookup.cacheDirectory ?? cacheDirectory({ environment: lookup.environment ?? process.env });
  return { entry, paths: modelPaths(root, entry) };
}

async function pullLocked(options: PullOptions, entry: CatalogueEntry, paths: ModelPaths): Promise<PulledModel> {
  const { signal } = options;
  signal?.throwIfAborted();
  await sweepPartialFiles(path.dirname(paths.directory), Date.now());
  await mkdir(paths.downloads, { recursive: true });
  await using _lock = await acquireLock({
    path: paths.lock,
    settings: { ...DEFAULT_LOCK_SETTINGS, ...options.settings?.lock },
    signal,
    onWaiting: () => options.onProgress?.({ phase: "waiting", source: "", receivedBytes: 0, totalBytes: 0 }),
  });
  const cached = await readCachedModel(paths, entry);
  if (cached !== null) return { ...cached, fromCache: true };
  const { sha256 } = entry.artefact;
  if (sha256 !== null && (await hasPinnedBytes(paths.artefact, { ...entry.artefact, sha256 }, { signal }))) {
    return { ...(await markVerified(paths, entry, { sha256, source: "a file found in the cache" })), fromCache: true };
  }
  return { ...(await pullFromSources(options, entry, paths)), fromCache: false };
}

async function pullFromSources(options: PullOptions, entry: CatalogueEntry, paths: ModelPaths): Promise<CachedModel> {
  const attempts: PullAttempt[] = [];
  for (const source of entry.sources) {
    const name = describeSource(source, options);
    if (options.allowNetwork === false) {
      attempts.push({ source: name, reason: "the network is not to be used" });
      continue;
    }
    const context: SourceContext = {
      directory: paths.downloads,
      pull: options,
      report: (phase, receivedBytes, totalBytes) =>
        options.onProgress?.({ phase, source: name, receivedBytes, totalBytes }),
    };
    try {
      const freeBytes = await (options.readFreeBytes ?? readFreeBytes)(paths.downloads);
      await requireDiskSpace({ entry, source, downloads: paths.downloads, freeBytes });
      const delivered = await deliverFiles(source, context);
      let { sha256 } = source.file;
      if (source.conversion === null) await rename(delivered.original, paths.artefact);
      else sha256 = await convert(delivered, source.conversion, { entry, paths, context });
      const model = await markVerified(paths, entry, { sha256, source: name });
      await rm(paths.downloads, { recursive: true, force: true });
      return model;
    } catch (error) {
      options.signal?.throwIfAborted();
      const reason = describeFailure(error);
      // Of another source's bytes the disk would take no more.
      if (error instanceof NotEnoughDiskSpaceError || isDiskFailure(error))
        throw new CacheUnusableError(entry.id, reason, paths.root);
      attempts.push({ source: name, reason });
    }
  }
  throw new ModelUnavailableError(entry.id, attempts);
}

/** The result depends on the delivered bytes alone. @returns its checksum, the pinned one where one is pinned */
async function convert(
  delivered: DeliveredPaths,
  conversion: Conversion,
  {
    entry,
    paths,
    context,
  }: { readonly entry: CatalogueEntry; readonly paths: ModelPaths; readonly context: SourceContext },
): Promise<string> {
  const { signal } = context.pull;
  const converted = path.join(paths.downloads, entry.artefact.fileName);
  const common = {
    targetPath: converted,
    onProgress: (written: number, total: number) => context.report("converting", written, total),
    ...(signal === undefined ? {} : { signal }),
  };
  const result = await writeConverted(delivered, conversion, { ...common, name: entry.name });
  const { sizeBytes, sha256 } = entry.artefact;
  if (result.sizeBytes !== sizeBytes || result.sha256 !== (sha256 ?? result.sha256)) {
    throw new AiError("engine_unavailable", "the converted file does not have its pinned checksum");
  }
  await rename(converted, paths.artefact);
  return result.sha256;
}

async function writeConverted(
  { original, companions }: DeliveredPaths,
  conversion: Conversion,
  { name, ...common }: WriteOptions & { readonly name: string },
): Promise<WrittenFile> {
  if (conversion === "q4_1-to-q8_0") return requantiseGguf({ ...common, sourcePath: original });
  const [vocabularyPath, configPath] = companions;
  if (vocabularyPath === undefined) throw lacking("vocabulary");
  if (conversion !== "whisper-to-safetensors") {
    const parameters = { name, ...conversion };
    const options = { ...common, weightsPath: original, vocabularyPath, parameters };
    return conversion.kind === "bert-to-gguf" ? convertBertToGguf(options) : convertBertToSafetensors(options);
  }
  if (configPath === undefined) throw lacking("configuration");
  return convertWhisperToSafetensors({ ...common, weightsPath: original, vocabularyPath, configPath });
}

function lacking(what: string): AiError {
  return new AiError("engine_unavailable", `the source has no ${what} beside the weights`);
}
