/**
 * Shows how a run goes. A terminal gets one line that is redrawn and never wider than it; a log gets a line for each
 * finished area, and one a minute while an area takes longer, so that it shows life.
 */

import type { Area } from "../check.ts";
import { isUntried } from "../outcome.ts";
import { countOutcomes, renderCounts, type ReportedCheck } from "../report.ts";
import type { RunEvent } from "../run-conformance.ts";
import { isExpected } from "./report-texts.ts";
import { type Output, readColumns } from "./reporter.ts";

export interface Progress {
  /** Called with the first event of a run. */
  start(event: RunEvent & { readonly type: "run-start" }): void;
  /** Called with the id of a check that begins. */
  checkStart(id: string): void;
  /** Called with the result of each check, in order of completion. */
  checkEnd(check: ReportedCheck): void;
  /** Removes the line from a terminal. */
  clear(): void;
}

export interface ProgressOptions {
  /** Called with a terminal's line to colour it. */
  readonly dim: (text: string) => string;
  /** A clock in milliseconds. Default: the process's own. */
  readonly now?: () => number;
}

export function createProgress(output: Output, options: ProgressOptions): Progress {
  return output.isTerminal
    ? createLine(output, options.dim)
    : createLog(output, options.now ?? (() => performance.now()));
}

const CLEAR_LINE = "\r\u001b[K";

function createLine(output: Output, dim: (text: string) => string): Progress {
  let planned = 0;
  let ended = 0;
  const show = (id: string): void => {
    const percent = String(Math.floor((ended / Math.max(planned, 1)) * 100)).padStart(3);
    // A line that fills the last column would wrap on some terminals, and then could not be redrawn.
    const line = `[${ended}/${planned}] ${percent} % ${id}`.slice(0, readColumns(output) - 1);
    output.write(`${CLEAR_LINE}${dim(line)}`);
  };
  return {
    start: (event) => void (planned = event.planned),
    checkStart: show,
    checkEnd(check) {
      ended += 1;
      show(check.id);
    },
    clear: () => output.write(CLEAR_LINE),
  };
}

/** A log that is silent for longer looks dead. */
const SILENCE_MS_MAX = 60_000;

function createLog(output: Output, now: () => number): Progress {
  let planned = 0;
  let ended = 0;
  let saidAtMs = now();
  let areas: ReadonlyMap<Area, number> = new Map();
  const done = new Map<Area, ReportedCheck[]>();
  const say = (text: string): void => {
    output.write(`[${String(ended).padStart(String(planned).length)}/${planned}] ${text}\n`);
    saidAtMs = now();
  };
  return {
    start(event) {
      ({ planned } = event);
      areas = new Map(event.areas.map((entry) => [entry.area, entry.planned]));
      saidAtMs = now();
    },
    checkStart: () => {},
    checkEnd(check) {
      // After an interruption they all end at once.
      if (isUntried(check.reason)) return;
      ended += 1;
      const own = [...(done.get(check.area) ?? []), check];
      done.set(check.area, own);
      const isFinished = own.length === areas.get(check.area);
      if (isFinished) say(`${check.area}: ${renderCounts(countOutcomes(own), own.filter(isExpected).length)}`);
      else if (now() - saidAtMs >= SILENCE_MS_MAX) say(`${check.area} …`);
    },
    clear: () => {},
  };
}
