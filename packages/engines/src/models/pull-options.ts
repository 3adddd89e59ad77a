/** The options of a pull, and its progress events. Types only. */
import type { CatalogueEntry } from "./catalogue.ts";
import type { DownloadSettings } from "./download-file.ts";
import type { LockSettings } from "./pull-lock.ts";

export interface PullProgress {
  /** `waiting`: another process is pulling the same model. */
  readonly phase: "waiting" | "downloading" | "verifying" | "converting";
  /** The source in words; empty while waiting. */
  readonly source: string;
  readonly receivedBytes: number;
  readonly totalBytes: number;
}

export interface ModelLookup {
  readonly id: string;
  /** Models lie in `models/` below it. Default: `cacheDirectory()`. */
  readonly cacheDirectory?: string;
  /** Where `id` is looked up. Default: `listCatalogue()`. */
  readonly catalogue?: readonly CatalogueEntry[];
}

export interface PullOptions extends ModelLookup {
  /** Base URL of the model hub. Default: `OPENAI_COMPAT_HUB_URL`, else https://huggingface.co. */
  readonly hubUrl?: string;
  readonly onProgress?: (progress: PullProgress) => void;
  readonly signal?: AbortSignal;
  /** `false`: the cache or nothing. Default: `true`. */
  readonly allowNetwork?: boolean;
  readonly settings?: Partial<PullSettings>;
  /** Variables that are read here and handed to pip. Default: `process.env`. */
  readonly environment?: NodeJS.ProcessEnv;
  /** What the disk at the given directory has room for. Default: what the system says. */
  readonly readFreeBytes?: (directory: string) => Promise<number>;
}

export interface PullSettings {
  readonly download: Partial<DownloadSettings>;
  readonly lock: Partial<LockSettings>;
  /** For one run of pip, download included. Default: ten minutes. */
  readonly pipTimeoutMs: number;
}
