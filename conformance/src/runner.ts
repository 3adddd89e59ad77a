/**
 * Runs planned checks against a target that is known to answer, and accounts for every one of them: a check that could
 * not run has a result like any other. It prints nothing and decides no exit code.
 */

import type { Check } from "./check.ts";
import type { CheckContext, SharedRun } from "./check-context.ts";
import { CheckLimit, describeStop, isEndless } from "./check-limit.ts";
import { countsAlone, runCompany } from "./company.ts";
import { createCheckContext, PATIENCE_SHARE } from "./create-check-context.ts";
import type { Exchange } from "./exchange.ts";
import { isPlainAnswered, judgeHang } from "./hang.ts";
import { DEFAULT_LIMITS, type RunLimits } from "./limits.ts";
import { isSignal } from "./outcome-signals.ts";
import { markOrphans } from "./orphans.ts";
import { accountFor, accountForUntried, type CheckResult, resolveResult } from "./outcome.ts";
import type { PlannedCheck } from "./plan.ts";
import { Pace } from "./pace.ts";
import type { OfficialSdk } from "./official-sdk.ts";
import { RateLimitWatch } from "./rate-limit-watch.ts";
import { retryCheck } from "./retry-check.ts";
import { createRestartWait, createServerProbe, ServerWatch } from "./server-watch.ts";
import { type AnswerLoan, SharedAnswers } from "./shared-answers.ts";
import type { Target } from "./target.ts";

export interface RunChecksOptions {
  readonly target: Target;
  readonly plan: readonly PlannedCheck[];
  readonly limits?: Partial<RunLimits>;
  /** Default: the newest. */
  readonly officialSdk?: OfficialSdk | undefined;
  /** Stops the run: checks that have not ended are accounted for as inconclusive. */
  readonly signal?: AbortSignal;
  readonly onStart?: (planned: PlannedCheck) => void;
  /** Called with each answered request of a check before the check goes on. */
  readonly onAnswer?: (exchange: Exchange) => void;
  /**
   * In order of completion. A check after which the server no longer answers may have been reported before that is
   * known.
   */
  readonly onResult?: (result: CheckResult) => void;
}

/** One result per planned check, in the plan's order, whatever happens. Never rejects because of a target. */
export async function runChecks(options: RunChecksOptions): Promise<readonly CheckResult[]> {
  const { plan, target } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const results: (CheckResult | undefined)[] = plan.map(() => undefined);
  const runSignal = AbortSignal.any([
    AbortSignal.timeout(limits.runTimeoutMs),
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  const report = (index: number, result: CheckResult): void => {
    results[index] = result;
    options.onResult?.(result);
  };
  const state: RunState = {
    target,
    limits,
    runSignal,
    officialSdk: options.officialSdk,
    onAnswer: options.onAnswer,
    ...openRun(target, limits, runSignal),
  };
  const { watch } = state;

  const found = await runCompany({
    plan,
    limits,
    runSignal,
    run: async (index, planned, signal) => {
      options.onStart?.(planned);
      const result = await runPlanned(planned, { ...state, index, runSignal: signal });
      if (result.outcome === "pass") report(index, result);
      return result;
    },
  });
  await unlessStopped(runSignal, () => watch.observeTogether([...found.values()]));
  for (const [index, planned] of plan.entries()) {
    if (results[index] !== undefined) continue;
    options.onStart?.(planned);
    report(index, await runAlone(planned, { state, index, found: found.get(index) ?? null }));
  }
  await unlessStopped(runSignal, () => watch.finish());
  // The check before may have been reported already: that it ended the server shows when the next one gets no answer.
  for (const { before, after } of watch.ends) {
    const known = results.indexOf(before);
    if (known >= 0) results[known] = after;
  }
  return markOrphans(
    results.map((result, index) => {
      if (result === undefined) throw new Error(`Planned check ${index} was not accounted for.`);
      return result;
    }),
  );
}

/** What all checks of a run use. */
interface RunState {
  readonly target: Target;
  readonly officialSdk: OfficialSdk | undefined;
  readonly limits: RunLimits;
  readonly runSignal: AbortSignal;
  readonly onAnswer: RunChecksOptions["onAnswer"];
  readonly run: SharedRun;
  readonly answers: SharedAnswers;
  readonly pace: Pace;
  readonly rateLimit: RateLimitWatch;
  readonly watch: ServerWatch;
  readonly stuck: { inARow: number };
}

function openRun(target: Target, limits: RunLimits, runSignal: AbortSignal) {
  const probe = createServerProbe(target, limits, runSignal);
  const pace = new Pace();
  return {
    pace,
    run: {},
    answers: new SharedAnswers(),
    rateLimit: new RateLimitWatch({ target, limits, pace, signal: runSignal }),
    watch: new ServerWatch(probe, createRestartWait(probe, limits, runSignal)),
    stuck: { inARow: 0 },
  };
}

interface AloneOptions {
  readonly state: RunState;
  /** Of the check in the plan. */
  readonly index: number;
  /** What it found in company; null where it was not run. */
  readonly found: CheckResult | null;
}

/** @returns what counts, after all tries */
async function runAlone(planned: PlannedCheck, { state, index, found }: AloneOptions): Promise<CheckResult> {
  const { target, limits, runSignal, rateLimit, watch, stuck } = state;
  const ended = (result: CheckResult | null) => watch.ends.find(({ before }) => before === result)?.after;
  const known = ended(found);
  if (known !== undefined) return known;
  // A check that is tried again asks for itself: whether something is so each time is the question then.
  let answers: SharedAnswers | null = state.answers;
  const runOnce = (): Promise<CheckResult> => {
    const own = { ...state, index, answers };
    answers = null;
    return runPlanned(planned, own);
  };
  const isKnown = watch.end === null && found !== null && countsAlone(found);
  const first = isKnown ? found : await runOnce();
  const result = await runAgain(first, { target, limits, runSignal, rateLimit, runOnce });
  await unlessStopped(runSignal, () => watch.observe(result));
  if (planned.skip === null) stuck.inARow = isStuck(result) ? stuck.inARow + 1 : 0;
  const after = ended(result);
  if (after !== undefined || watch.end !== null) return after ?? result;
  return (await unlessStopped(runSignal, () => judgeHang(result, { target, limits, signal: runSignal }))) ?? result;
}

interface AgainOptions {
  readonly target: Target;
  readonly limits: RunLimits;
  readonly runSignal: AbortSignal;
  readonly rateLimit: RateLimitWatch;
  readonly runOnce: () => Promise<CheckResult>;
}

/** A check that met a rate limit is run again when it is over, and one that failed to see whether it does each time. */
async function runAgain(first: CheckResult, options: AgainOptions): Promise<CheckResult> {
  const { target, limits, runSignal, rateLimit, runOnce } = options;
  const ask = async (): Promise<CheckResult> => {
    const run = (): Promise<CheckResult> => rateLimit.settle(first, runOnce);
    const settled = limits.rateLimitWaitMsMax === 0 ? first : await run();
    return retryCheck(settled, {
      limits,
      run: runOnce,
      isPlainAnswered: (exchange: Exchange) => isPlainAnswered(exchange, { target, limits, signal: runSignal }),
    });
  };
  return (await unlessStopped(runSignal, ask)) ?? first;
}

interface CheckState extends Omit<RunState, "answers"> {
  /** Of the check in the plan. */
  readonly index: number;
  /** What other checks were answered; null where the check has to ask for itself. */
  readonly answers: SharedAnswers | null;
}

/** Of a run that was stopped nothing more is found out about the server. */
async function unlessStopped<T>(runSignal: AbortSignal, ask: () => Promise<T>): Promise<T | undefined> {
  if (runSignal.aborted) return undefined;
  try {
    return await ask();
  } catch (error) {
    if (!runSignal.aborted) throw error;
    return undefined;
  }
}

async function runPlanned({ check, skip }: PlannedCheck, state: CheckState): Promise<CheckResult> {
  const { limits, runSignal } = state;
  if (skip !== null) return accountFor(check, skip.outcome, skip.reason);
  // First: of a run that was stopped, no check before this one is to blame.
  if (runSignal.aborted) {
    return { ...accountForUntried(check, describeStop(limits, runSignal)), inconclusiveCause: "timeout" };
  }
  const serverEnd = state.watch.end;
  if (serverEnd !== null) {
    const reason = `the server stopped answering in ${serverEnd.after.check.id}`;
    return { ...accountForUntried(check, reason), inconclusiveCause: "unreachable" };
  }
  const rateLimitEnd = state.rateLimit.end;
  if (rateLimitEnd !== null) {
    return { ...accountForUntried(check, rateLimitEnd), inconclusiveCause: "rate-limited" };
  }
  if (state.stuck.inARow >= limits.stuckChecksMax) {
    const reason = `${limits.stuckChecksMax} checks before it in a row got no whole answer in time (--timeout-ms)`;
    return { ...accountForUntried(check, reason), inconclusiveCause: "unreachable" };
  }
  const controller = new AbortController();
  const limit = new CheckLimit(limits, runSignal);
  const loan = check.sharesAnswers === true ? openLoan(limit, state) : undefined;
  const { context, exchanges } = createCheckContext({
    target: state.target,
    officialSdk: state.officialSdk,
    signal: controller.signal,
    recordedBytesMax: limits.recordedBytesMax,
    patienceMs: limits.checkTimeoutMs * PATIENCE_SHARE,
    run: state.run,
    loan,
    beforeSend: (signal) => state.pace.turn(signal),
    onAnswer: state.onAnswer,
    onProgress: (recording) => limit.note(recording),
  });
  const startedAt = performance.now();
  const ended = await Promise.race([
    startCheck(check, context).then(
      () => ({ passed: true, thrown: undefined }),
      (thrown: unknown) => ({ passed: false, thrown }),
    ),
    limit.expired.then((thrown) => ({ passed: false, thrown })),
  ]);
  limit.clear();
  loan?.settle(ended.passed);
  const run = { ...ended, durationMs: performance.now() - startedAt, exchanges: exchanges() };
  // A late SDK or wire call of this check ends here, so that nothing outlives the check.
  controller.abort(isSignal(ended.thrown) ? ended.thrown : new Error("the check is over"));

  return resolveResult(check, run);
}

function openLoan(limit: CheckLimit, { answers, index }: CheckState): AnswerLoan | undefined {
  return answers?.openLoan({ index, waitFor: (settled) => limit.waitFor(settled) });
}

/** A check that throws before its first await still rejects. */
async function startCheck(check: Check, context: CheckContext): Promise<void> {
  await check.run(context);
}

function isStuck(result: CheckResult): boolean {
  return (
    result.inconclusiveCause === "timeout" ||
    result.inconclusiveCause === "unreachable" ||
    result.exchanges.some(isEndless)
  );
}
