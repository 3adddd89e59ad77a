/**
 * Runs planned checks against a target that is known to answer, and accounts for every one of them: a check that could
 * not run has a result like any other. It prints nothing and decides no exit code.
 */

import type { Check } from "./check.ts";
import type { CheckContext, SharedRun } from "./check-context.ts";
import { CheckLimit, describeStop, isEndless } from "./check-limit.ts";
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
import { SharedAnswers } from "./shared-answers.ts";
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
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const results: (CheckResult | undefined)[] = options.plan.map(() => undefined);
  const runSignal = AbortSignal.any([
    AbortSignal.timeout(limits.runTimeoutMs),
    ...(options.signal === undefined ? [] : [options.signal]),
  ]);
  const stuck = { inARow: 0 };
  const run: SharedRun = {};
  const answers = new SharedAnswers();
  const { target } = options;
  const probe = createServerProbe(target, limits, runSignal);
  const watch = new ServerWatch(probe, createRestartWait(probe, limits, runSignal));
  const pace = new Pace();
  const rateLimit = new RateLimitWatch({ target, limits, pace, signal: runSignal });
  const judge = async (ended: CheckResult): Promise<CheckResult> => {
    if (watch.end !== null) return ended;
    return (await unlessStopped(runSignal, () => judgeHang(ended, { target, limits, signal: runSignal }))) ?? ended;
  };
  const queue = options.plan.entries();

  const work = async (): Promise<void> => {
    for (const [index, planned] of queue) {
      options.onStart?.(planned);
      // A check that is tried again asks for itself: whether something is so each time is the question then.
      let shared: SharedAnswers | null = answers;
      const runOnce = (): Promise<CheckResult> => {
        const state = {
          target,
          officialSdk: options.officialSdk,
          limits,
          runSignal,
          run,
          pace,
          onAnswer: options.onAnswer,
          stuckChecks: stuck.inARow,
          serverEnd: watch.end?.after.check.id ?? null,
          rateLimitEnd: rateLimit.end,
          answers: shared,
        };
        shared = null;
        return runPlanned(planned, state);
      };
      const ended = await runAgain(await runOnce(), { target, limits, runSignal, rateLimit, runOnce });
      await unlessStopped(runSignal, () => watch.observe(ended));
      if (planned.skip === null) stuck.inARow = isStuck(ended) ? stuck.inARow + 1 : 0;
      const result = watch.ends.find(({ before }) => before === ended)?.after ?? (await judge(ended));
      results[index] = result;
      options.onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: Math.max(1, limits.concurrency) }, work));
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

interface RunState {
  readonly target: Target;
  readonly officialSdk: OfficialSdk | undefined;
  readonly limits: RunLimits;
  readonly runSignal: AbortSignal;
  readonly run: SharedRun;
  readonly pace: Pace;
  readonly stuckChecks: number;
  readonly onAnswer: RunChecksOptions["onAnswer"];
  /** What other checks were answered; null where the check has to ask for itself. */
  readonly answers: SharedAnswers | null;
  /** Why a rate limit lets nothing more be asked; null while it does. */
  readonly rateLimitEnd: string | null;
  /** The check that ended the server; null while it answers. */
  readonly serverEnd: string | null;
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

async function runPlanned({ check, skip }: PlannedCheck, state: RunState): Promise<CheckResult> {
  const { limits, runSignal } = state;
  if (skip !== null) return accountFor(check, skip.outcome, skip.reason);
  // First: of a run that was stopped, no check before this one is to blame.
  if (runSignal.aborted) {
    return { ...accountForUntried(check, describeStop(limits, runSignal)), inconclusiveCause: "timeout" };
  }
  if (state.serverEnd !== null) {
    const reason = `the server stopped answering in ${state.serverEnd}`;
    return { ...accountForUntried(check, reason), inconclusiveCause: "unreachable" };
  }
  if (state.rateLimitEnd !== null) {
    return { ...accountForUntried(check, state.rateLimitEnd), inconclusiveCause: "rate-limited" };
  }
  if (state.stuckChecks >= limits.stuckChecksMax) {
    const reason = `${limits.stuckChecksMax} checks before it in a row got no whole answer in time (--timeout-ms)`;
    return { ...accountForUntried(check, reason), inconclusiveCause: "unreachable" };
  }
  const controller = new AbortController();
  const limit = new CheckLimit(limits, runSignal);
  const loan = check.sharesAnswers === true ? state.answers?.openLoan() : undefined;
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
