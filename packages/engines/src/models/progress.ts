/**
 * Shows how a pull goes: a bar on a terminal, a line now and then where the output is a file or a log. Writes to one
 * stream and keeps no process alive.
 */
import { Presets, SingleBar } from "cli-progress";
import type { PullProgress } from "./pull-options.ts";

/** A log gets a line when a phase starts, and one after each further quarter of a download. */
const DOWNLOAD_PARTS = 4;
const MEGABYTE = 1_000_000;

const VERBS: Readonly<Record<PullProgress["phase"], string>> = {
  waiting: "Waiting for another pull of",
  downloading: "Downloading",
  verifying: "Verifying",
  converting: "Converting",
};

export interface ProgressReporterOptions {
  /** What is pulled, as people call it. */
  readonly label: string;
  /** Default: `process.stderr`. A bar is drawn when its `isTTY` is true. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

export interface ProgressReporter {
  /** Give this to `pullModel`. */
  readonly onProgress: (progress: PullProgress) => void;
  /** Ends the bar's line and gives the cursor back; what is told later is not shown. Call it however the pull ended. */
  readonly stop: () => void;
}

export function createProgressReporter(options: ProgressReporterOptions): ProgressReporter {
  const stream = options.stream ?? process.stderr;
  return stream.isTTY === true ? createBar(options.label, stream) : createLines(options.label, stream);
}

function createBar(label: string, stream: NodeJS.WritableStream): ProgressReporter {
  let bar: SingleBar | undefined;
  let shown = "";
  let stopped = false;
  return {
    onProgress(progress) {
      if (stopped) return;
      const title = describePhase(progress, label);
      const total = toMegabytes(progress.totalBytes);
      const received = toMegabytes(progress.receivedBytes);
      if (shown !== title) {
        bar?.stop();
        shown = title;
        bar = new SingleBar({ stream, hideCursor: true, format: "{title} [{bar}] {value}/{total} MB" }, Presets.legacy);
        bar.start(total, received, { title });
      }
      bar?.update(received);
    },
    stop() {
      stopped = true;
      bar?.stop();
    },
  };
}

function createLines(label: string, stream: NodeJS.WritableStream): ProgressReporter {
  let shown = "";
  let stopped = false;
  return {
    onProgress(progress) {
      if (stopped) return;
      const { phase, receivedBytes, totalBytes } = progress;
      const title = describePhase(progress, label);
      const isDownload = phase === "downloading" && totalBytes > 0;
      const part = isDownload ? Math.floor((receivedBytes / totalBytes) * DOWNLOAD_PARTS) : 0;
      const line = `${title} ${part}`;
      if (line === shown) return;
      shown = line;
      const amount = isDownload ? `: ${toMegabytes(receivedBytes)} of ${toMegabytes(totalBytes)} MB` : "";
      stream.write(`${title}${amount}\n`);
    },
    stop() {
      stopped = true;
    },
  };
}

function describePhase({ phase, source }: PullProgress, label: string): string {
  return source === "" ? `${VERBS[phase]} ${label}` : `${VERBS[phase]} ${label} (${source})`;
}

function toMegabytes(bytes: number): number {
  return Math.round(bytes / MEGABYTE);
}
