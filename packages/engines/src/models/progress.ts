/**
 * Shows how a pull goes: a bar on a terminal, a line now and then where the output is a file or a log. Writes to one
 * stream and keeps no process alive.
 */
import { Presets, SingleBar } from "cli-progress";
import type { PullProgress } from "./pull-options.ts";
import { COLUMNS_DEFAULT, wrapProse } from "./wrap-prose.ts";

/** A log gets a line when a phase starts, one in so many milliseconds while it lasts, and one at its end. */
const LOG_INTERVAL_MS = 5000;
/** A file is counted in the unit in which it is at least one. */
const UNITS = [
  { name: "MB", bytes: 1_000_000 },
  { name: "kB", bytes: 1000 },
  { name: "B", bytes: 1 },
] as const;
/** Of a bar, in columns: the least that shows anything, and as much as is of use. */
const BAR_COLUMNS = { least: 10, most: 40 };
/** ` [] 100 % | 12345/12345 MB`. */
const NUMBERS_COLUMNS = 27;

const VERBS: Readonly<Record<PullProgress["phase"], string>> = {
  waiting: "Waiting for another pull",
  downloading: "Downloading",
  verifying: "Verifying",
  converting: "Converting",
};

export interface ProgressReporterOptions {
  /** What is pulled, as people call it. */
  readonly label: string;
  /** Default: `process.stderr`. A bar is drawn when its `isTTY` is true. */
  readonly stream?: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number };
  /** Milliseconds that only grow. Default: this process's. */
  readonly clock?: () => number;
}

export interface ProgressReporter {
  /** Give this to `pullModel`. */
  readonly onProgress: (progress: PullProgress) => void;
  /** Ends the bar's line and shows the cursor again; later reports are not shown. Call it however the pull ended. */
  readonly stop: () => void;
}

/** What shows phases, on whatever stream. */
interface Display {
  start(progress: PullProgress): void;
  update(progress: PullProgress): void;
  end(): void;
}

export function createProgressReporter(options: ProgressReporterOptions): ProgressReporter {
  const { label, stream = process.stderr, clock = () => performance.now() } = options;
  const display = stream.isTTY === true ? createBar(stream) : createLines(label, { stream, clock });
  let last: PullProgress | null = null;
  let stopped = false;
  return {
    onProgress(reported) {
      if (stopped) return;
      const progress = { ...reported, receivedBytes: Math.min(reported.receivedBytes, reported.totalBytes) };
      if (last !== null && isSamePhase(last, progress)) display.update(progress);
      else {
        // Within a source the next phase starts when the one before is done, whatever was reported of it last.
        if (last?.source === progress.source) display.update({ ...last, receivedBytes: last.totalBytes });
        if (last !== null) display.end();
        const isOther = progress.source !== "" && progress.source !== last?.source;
        if (isOther) stream.write(`${wrapProse(`${label} from ${progress.source}`, stream)}\n`);
        display.start(progress);
      }
      last = progress;
    },
    stop() {
      if (!stopped && last !== null) display.end();
      stopped = true;
    },
  };
}

function isSamePhase(left: PullProgress, right: PullProgress): boolean {
  return left.phase === right.phase && left.source === right.source && left.totalBytes === right.totalBytes;
}

type Stream = NonNullable<ProgressReporterOptions["stream"]>;

function createBar(stream: Stream): Display {
  let bar: SingleBar | undefined;
  return {
    start(progress) {
      if (progress.totalBytes === 0) {
        stream.write(`${VERBS[progress.phase]}\n`);
        return;
      }
      const room = (stream.columns ?? COLUMNS_DEFAULT) - VERBS[progress.phase].length - NUMBERS_COLUMNS;
      const barsize = Math.max(BAR_COLUMNS.least, Math.min(BAR_COLUMNS.most, room));
      const format = `${VERBS[progress.phase]} [{bar}] {percentage} % | {received}/{whole} {unit}`;
      bar = new SingleBar({ stream, hideCursor: true, format, barsize }, Presets.legacy);
      bar.start(progress.totalBytes, progress.receivedBytes, countUnits(progress));
    },
    update(progress) {
      bar?.update(progress.receivedBytes, countUnits(progress));
    },
    end() {
      bar?.stop();
      bar = undefined;
    },
  };
}

/** The bar counts bytes, people megabytes, or of a small file kilobytes. */
function countUnits({ receivedBytes, totalBytes }: PullProgress): Record<"received" | "whole" | "unit", string> {
  const unit = UNITS.find(({ bytes }) => totalBytes >= bytes) ?? UNITS[0];
  const count = (bytes: number): string => String(Math.round(bytes / unit.bytes));
  return { received: count(receivedBytes), whole: count(totalBytes), unit: unit.name };
}

function createLines(
  label: string,
  { stream, clock }: { readonly stream: Stream; readonly clock: () => number },
): Display {
  let saidMs = 0;
  let pending = "";
  const say = (line: string): void => {
    saidMs = clock();
    pending = "";
    stream.write(`${line}\n`);
  };
  const describe = (progress: PullProgress): string => {
    const { phase, totalBytes } = progress;
    const { received, whole, unit } = countUnits(progress);
    const title = phase === "waiting" ? `${VERBS[phase]} of ${label}` : `${VERBS[phase]} ${label}`;
    return totalBytes === 0 ? title : `${title}: ${received} of ${whole} ${unit}`;
  };
  return {
    start: (progress) => say(describe(progress)),
    update(progress) {
      if (clock() - saidMs >= LOG_INTERVAL_MS) say(describe(progress));
      else pending = describe(progress);
    },
    end() {
      if (pending !== "") say(pending);
    },
  };
}
