/**
 * `pnpm mutants --generated [--sample N] [PATTERN…]`: generates faults of the reference's wire, has each judged by the
 * checks that could see it until one objects, and prints the rate by operation and operator; and legal variations, each
 * of which is judged by all checks that it could concern, or with a sample of the faults by some of them. Where all
 * faults are judged, each table check has to notice one. Writes `mutants-generated.json`, or
 * `mutants-generated.partial.json` for a part; exits 1 if fewer than 98 % of the faults are killed that the reviewed list
 * does not name, or a check objects to a legal variation.
 */

import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { checks } from "../../checks/index.ts";
import { recordChecks } from "../record-calls.ts";
import type { Fault, Variation } from "./fault.ts";
import { generateFaults, sampleFaults } from "./generate-faults.ts";
import type { FaultVerdict } from "./judge-fault.ts";
import { VARIATIONS } from "./legal.ts";
import { listUnkilling } from "./prove-checks.ts";
import { CheckRanking } from "./rank-checks.ts";
import { formatRates, isConvincing, summariseFaults } from "./summarise-faults.ts";
import { describeWire, type WireShape } from "./wire-shape.ts";
import type { FaultTask } from "./worker.ts";

export interface GeneratedOptions {
  /** Only faults whose id contains one of them; all when empty. */
  readonly patterns: readonly string[];
  /** So many, spread over the operators; all when undefined. */
  readonly sample: number | undefined;
}

/** Wires at once in a thread, most of which wait. */
const PARALLEL = 16;
const THREADS_MAX = 8;
/** Time for a check. */
const CHECK_MS = 20_000;
/** The same for what is looked at once more. */
const PARALLEL_AGAIN = 2;
const CHECK_AGAIN_MS = 60_000;
const REPORT_FILE = "mutants-generated.json";
/** That of a part, so that it never replaces that of the whole. */
const PARTIAL_FILE = "mutants-generated.partial.json";

/** The exit code. */
export async function runGenerated({ patterns, sample }: GeneratedOptions): Promise<number> {
  const startedAt = performance.now();
  const recorded = await recordChecks(checks);
  // A check that the reference does not pass, as one of times on a busy machine, can't tell a fault from none.
  const records = recorded.filter(({ result }) => result.outcome === "pass");
  for (const { result } of recorded) {
    if (result.outcome === "pass") continue;
    print(`not asked: ${result.check.id}, which is ${result.outcome} for the reference: ${result.reason}`);
  }
  const shape = describeWire(records);
  const isAsked = ({ id }: { readonly id: string }): boolean =>
    patterns.length === 0 || patterns.some((pattern) => id.includes(pattern));
  const all = [...generateFaults(shape).values()].filter(isAsked);
  // Spread over the operators even where all are judged, so that what is printed first stands for the rest.
  const faults = sampleFaults(all, sample ?? all.length);
  const variations = VARIATIONS.filter(isAsked);
  if (faults.length + variations.length === 0) return 2;
  print(`${faults.length} of ${all.length} faults, ${variations.length} legal variations, ${checks.length} checks`);
  const ranking = new CheckRanking(records);
  const judged = await judgeAll({ faults, variations }, { shape, ranking, isSample: sample !== undefined });
  const isWhole = faults.length === all.length && patterns.length === 0;
  const unkilling = isWhole ? await listUnkilling({ faults, verdicts: judged, ranking }) : [];
  const summary = summariseFaults({ faults, variations, isWhole, unkilling }, judged);
  print(formatRates(summary));
  print(`${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
  await writeFile(isWhole ? REPORT_FILE : PARTIAL_FILE, `${JSON.stringify(summary, null, 2)}\n`);
  return isConvincing(summary) ? 0 : 1;
}

interface Judging {
  readonly isSample: boolean;
  readonly shape: WireShape;
  readonly ranking: CheckRanking;
}

interface Generated {
  readonly faults: readonly Fault[];
  readonly variations: readonly Variation[];
}

/** All of them; faults that survive and variations that are blamed once more. */
async function judgeAll({ faults, variations }: Generated, judging: Judging): Promise<readonly FaultVerdict[]> {
  const { shape, ranking, isSample } = judging;
  const known = new Map(faults.map((fault) => [fault.id, fault]));
  const compose = (id: string, checkTimeoutMs: number): FaultTask => {
    const fault = known.get(id);
    if (fault !== undefined) return { fault: id, checks: [...ranking.rank(fault)], toTheEnd: false, checkTimeoutMs };
    const place = variations.findIndex((one) => one.id === id);
    const variation = variations[place];
    const selected = variation === undefined ? [] : ranking.select(variation);
    const some = isSample ? pickSome(selected, place) : selected;
    return { fault: id, checks: [...some], toTheEnd: true, checkTimeoutMs };
  };
  const learn = ({ id, killed_by: killedBy }: FaultVerdict): void => {
    const fault = known.get(id);
    if (fault !== undefined) ranking.learn(fault, killedBy);
  };
  const ids = [...variations.map(({ id }) => id), ...known.keys()];
  const first = await judgeTasks({
    shape,
    ids,
    parallel: PARALLEL,
    compose: (id) => compose(id, CHECK_MS),
    onVerdict: learn,
  });
  // A busy machine ends some checks too early, and delays others: what it may have decided is looked at once more.
  const doubtful = first.filter(({ id, killed_by: killedBy }) => known.has(id) === (killedBy.length === 0));
  const blaming = new Map(doubtful.map((verdict) => [verdict.id, verdict.killed_by]));
  const again = await judgeTasks({
    shape,
    ids: doubtful.map(({ id }) => id),
    parallel: PARALLEL_AGAIN,
    compose: (id) => {
      const task = compose(id, CHECK_AGAIN_MS);
      return known.has(id) ? task : { ...task, checks: [...(blaming.get(id) ?? [])] };
    },
    onVerdict: ({ id, killed_by: killedBy }) => {
      if (known.has(id) && killedBy.length === 0) print(`survived: ${id}`);
    },
  });
  const judgedAgain = new Map(again.map((verdict) => [verdict.id, verdict]));
  return first.map((verdict) => judgedAgain.get(verdict.id) ?? verdict);
}

interface Tasks {
  readonly shape: WireShape;
  readonly ids: readonly string[];
  /** In a thread. */
  readonly parallel: number;
  readonly compose: (id: string) => FaultTask;
  readonly onVerdict: (verdict: FaultVerdict) => void;
}

/** Over all threads; each thread gets the next one when it has judged one. */
async function judgeTasks({ shape, ids, parallel, compose, onVerdict }: Tasks): Promise<readonly FaultVerdict[]> {
  const verdicts: FaultVerdict[] = [];
  const queue = ids.values();
  const feed = async (thread: Worker): Promise<void> => {
    let pending = 0;
    const sendNext = (): void => {
      const { value: id } = queue.next();
      if (id === undefined && pending > 0) return;
      if (id !== undefined) pending += 1;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      thread.postMessage(id === undefined ? null : compose(id));
    };
    thread.on("message", (verdict: FaultVerdict) => {
      pending -= 1;
      verdicts.push(verdict);
      onVerdict(verdict);
      printProgress(verdict.id, verdicts.length);
      sendNext();
    });
    for (let index = 0; index < parallel; index += 1) sendNext();
    await once(thread, "exit");
  };
  await Promise.all(startThreads(shape, ids.length).map(feed));
  if (verdicts.length !== ids.length) throw new Error("Not every fault was judged.");
  return verdicts;
}

/** So many checks judge a variation beside a sample of faults. */
const SAMPLED_CHECKS = 15;

/** The same ones each time, others for the next variation. */
function pickSome(ids: readonly string[], variation: number): readonly string[] {
  const step = Math.max(1, Math.ceil(ids.length / SAMPLED_CHECKS));
  return ids.filter((_, place) => place % step === variation % step);
}

function startThreads(shape: WireShape, tasks: number): readonly Worker[] {
  const length = Math.min(availableParallelism(), THREADS_MAX, tasks);
  return Array.from({ length }, () => new Worker(new URL("worker.ts", import.meta.url), { workerData: shape }));
}

function printProgress(id: string, done: number): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001B[2K${done} ${id}\r`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
