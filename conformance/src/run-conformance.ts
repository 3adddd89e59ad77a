/**
 * One whole run: identify the target, plan, run, decide. It reports its progress as a stream of redacted events and
 * returns the report; it writes nothing itself.
 */

import { allChecks } from "./all-checks.ts";
import type { Area, Check } from "./check.ts";
import type { ChatModelChoice } from "./choose-chat-model.ts";
import type { Exchange } from "./exchange.ts";
import type { Baseline } from "./baseline.ts";
import type { FailOn } from "./exit-code.ts";
import { findExpectation } from "./expectation.ts";
import { type AreaOptions, gateArea, gateRun } from "./gate.ts";
import { identifyTarget } from "./identify-target.ts";
import { DEFAULT_LIMITS, type RunLimits } from "./limits.ts";
import { DEFAULT_SDK, loadOfficialSdk, type OfficialSdk, type SdkMajor } from "./official-sdk.ts";
import { accountFor, accountForUntried, type CheckResult, isUntried } from "./outcome.ts";
import { judgesCredentials, planChecks, type PlannedCheck, type Selection } from "./plan.ts";
import { listIssuedSecrets } from "./issued-secrets.ts";
import { findProfile, type Profile, selectChecks } from "./profiles.ts";
import { createRedactor, type Redact } from "./redact.ts";
import {
  type AreaReport,
  countOutcomes,
  describeResult,
  type ReportedCheck,
  type ReportedTarget,
  type RunEnding,
  type RunReport,
} from "./report.ts";
import { runChecks } from "./runner.ts";
import { readSuiteIdentity, type SuiteIdentity } from "./suite-identity.ts";
import { resolveTarget, type TargetOptions } from "./resolve-target.ts";
import { listSecrets, type Target } from "./target.ts";
import type { BaselineUpdate } from "./update-baseline.ts";

/** What a run says while it goes; every text is redacted. */
export type RunEvent =
  | {
      readonly type: "run-start";
      readonly suite: SuiteIdentity;
      readonly target: ReportedTarget;
      readonly planned: number;
      /** As many checks of each area are planned, in the order of the areas. */
      readonly areas: readonly { readonly area: Area; readonly planned: number }[];
      /** What was decided for the caller, such as the choice of a model. */
      readonly notes: readonly string[];
    }
  | { readonly type: "check-start"; readonly id: string }
  /** In order of completion; none comes for a target that was not identified. */
  | { readonly type: "check-end"; readonly check: ReportedCheck }
  | { readonly type: "run-end"; readonly report: RunReport };

export interface RunSettings extends Selection {
  /** Default: every check of the suite. */
  readonly checks?: readonly Check[];
  /** Major of the official SDK that checks call. Default: the newest. */
  readonly sdk?: SdkMajor;
  /** Default `must`. */
  readonly failOn?: FailOn;
  /**
   * Name of a frozen profile, with its date or without for the newest one. Checks that are newer run and don't count.
   * Default: every check of this version.
   */
  readonly profile?: string;
  /** Failures that are expected. Default: none. See `readBaseline`. */
  readonly baseline?: Baseline;
  /** Judge as if the baseline had been updated; whoever has its file writes that (`onUpdate`). Default: no. */
  readonly updatesBaseline?: boolean;
  /** Exit code 0 where it would be 1, and a report that says `gate: false`. Default: no. */
  readonly reportOnly?: boolean;
  readonly limits?: Partial<RunLimits>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: RunEvent) => void;
  /** Called before the last event, when the baseline is to be changed. */
  readonly onUpdate?: (update: BaselineUpdate) => void;
}

export interface ConformanceOptions extends RunSettings, Omit<TargetOptions, "keys"> {
  /** The full key; shorthand for `keys.full`. */
  readonly apiKey?: string;
  readonly keys?: NonNullable<TargetOptions["keys"]>;
}

/**
 * Judges any OpenAI-compatible server. The environment counts only when passed as `environment`.
 * @throws ConfigurationError when the target is described wrongly, UnmatchedPatternError when a pattern selects
 *   nothing.
 */
export async function runConformance(options: ConformanceOptions): Promise<RunReport> {
  const { apiKey, keys, ...rest } = options;
  return judgeTarget(await resolveTarget({ ...rest, keys: { full: apiKey, ...keys } }), rest);
}

/** The plan of a run and what was learnt before it. */
export interface PreparedRun {
  /** With the chat model filled in from `GET /models` when none was given. */
  readonly target: Target;
  readonly plan: readonly PlannedCheck[];
  /** Null for every check of this version. */
  readonly profile: Profile | null;
  readonly officialSdk: OfficialSdk;
  readonly notes: readonly string[];
  /** Why the target is no OpenAI-like API; null when it is one. */
  readonly unidentified: string | null;
}

/** @throws UnmatchedPatternError or ConfigurationError, before anything is sent */
export async function prepareRun(target: Target, settings: RunSettings): Promise<PreparedRun> {
  const profile = settings.profile === undefined ? null : findProfile(settings.profile);
  const checks = selectOf(profile, settings.checks ?? allChecks);
  const officialSdk = await loadOfficialSdk(settings.sdk ?? DEFAULT_SDK.major);
  const selection = { ...settings, officialSdk };
  // A chat model may be found, so that what needs one counts as planned.
  const supposed = { ...target, models: { chat: "", ...target.models } };
  const requested = planChecks(checks, supposed, selection).flatMap(({ check, skip }) =>
    skip === null ? [check] : [],
  );
  const identification = await identifyTarget({
    target,
    limits: { ...DEFAULT_LIMITS, ...settings.limits },
    signal: settings.signal ?? new AbortController().signal,
    needsChatModel: requested.some(({ needs }) => needs.includes("model:chat")),
    needsGuard: requested.some(judgesCredentials),
  });
  if (!identification.identified) {
    const { reason, details } = identification;
    const plan = planChecks(checks, target, selection);
    return { target, officialSdk, plan, profile, notes: details, unidentified: reason };
  }
  const { chat, isOpen } = identification;
  const completed = completeTarget(target, chat);
  const notes = isOpen ? [...chat.notes, OPEN_NOTE] : chat.notes;
  const plan = planChecks(checks, completed, { ...selection, isOpen });
  return { target: completed, officialSdk, plan, profile, notes, unidentified: null };
}

function selectOf(profile: Profile | null, checks: readonly Check[]): readonly Check[] {
  return profile === null ? checks : selectChecks(profile, checks);
}

/** Ids of planned checks that don't count. */
function listUnscored({ plan, profile }: Pick<PreparedRun, "plan" | "profile">): ReadonlySet<string> {
  if (profile === null) return new Set();
  return new Set(plan.map(({ check }) => check.id).filter((id) => !profile.ids.has(id)));
}

/** What the run was narrowed to. */
function describeProfile(prepared: PreparedRun): string[] {
  if (prepared.profile === null) return [];
  const newer = listUnscored(prepared).size;
  const [are, run] = newer === 1 ? ["is", "it runs and does not count"] : ["are", "they run and don't count"];
  const also = newer === 0 ? "" : ` ${newer} of its checks ${are} newer than the profile: ${run}.`;
  return [`Profile ${prepared.profile.name}.${also}`];
}

const OPEN_NOTE =
  "This server asks for no key: neither no key nor a made-up one is refused, so that nothing about credentials is " +
  "judged. To have it judged, start the server with a key and pass it with --api-key.";

const REPORT_ONLY_NOTE = "--report-only: failures do not change the exit code, so that this run is no gate.";

/** A completion model is the chat model unless it is named. */
function completeTarget(target: Target, { model, tokenLimit }: ChatModelChoice): Target {
  const chat = model === null ? {} : { completion: model, chat: model };
  return { ...target, models: { ...chat, ...target.models }, tokenLimit };
}

/** @throws UnmatchedPatternError */
export async function judgeTarget(target: Target, settings: RunSettings = {}): Promise<RunReport> {
  const startedAt = new Date().toISOString();
  const startMs = performance.now();
  const secrets = [...listSecrets(target)];
  const redact = createRedactor(secrets);
  const onEvent = settings.onEvent ?? (() => {});
  const selected = settings.only ?? [];
  const prepared = await prepareRun(target, settings);
  const profile = selected.length === 0 ? (prepared.profile?.name ?? "full") : "selection";
  const suite: SuiteIdentity = { ...readSuiteIdentity(prepared.officialSdk), profile };
  const reportedTarget = { baseUrl: target.baseUrl, models: redactModels(prepared.target.models, redact) };
  const narrowed = selected.length === 0 ? [] : [`Only these checks are judged: ${selected.join(", ")}.`];
  const notes = [
    ...prepared.notes,
    ...describeProfile(prepared),
    ...narrowed,
    ...(settings.reportOnly === true ? [REPORT_ONLY_NOTE] : []),
  ].map(redact);
  const { plan } = prepared;
  onEvent({ type: "run-start", suite, target: reportedTarget, planned: plan.length, areas: countPlanned(plan), notes });

  const today = startedAt.slice(0, "YYYY-MM-DD".length);
  const { baseline = null } = settings;
  const onAnswer = (exchange: Exchange): void => void secrets.push(...listIssuedSecrets(exchange));
  const results = await collectResults(prepared, { ...settings, onAnswer }, (event) => {
    if (event.type === "start") onEvent({ type: "check-start", id: event.id });
    else {
      const expectation = baseline === null ? null : findExpectation(baseline, event.result, today);
      onEvent({ type: "check-end", check: describeResult(event.result, { redact, target, expectation }) });
    }
  });
  const ending = describeEnding(results, prepared, settings);
  const report: RunReport = {
    ...decideRun(results, { prepared, settings, ending, today, redact }),
    ending,
    suite,
    target: reportedTarget,
    counts: countOutcomes(results),
    startedAt,
    durationMs: performance.now() - startMs,
  };
  onEvent({ type: "run-end", report });
  return report;
}

interface DecideOptions {
  readonly prepared: PreparedRun;
  readonly settings: RunSettings;
  readonly ending: RunEnding;
  /** `YYYY-MM-DD` in UTC. */
  readonly today: string;
  readonly redact: Redact;
}

/** What the results of a run come to, for the whole, each area and each check. */
function decideRun(
  results: readonly CheckResult[],
  { prepared, settings, ending, today, redact }: DecideOptions,
): Omit<RunReport, "ending" | "suite" | "target" | "counts" | "startedAt" | "durationMs"> {
  const { failOn = "must", reportOnly = false, baseline = null, updatesBaseline = false } = settings;
  const { target, unidentified } = prepared;
  const unscored = listUnscored(prepared);
  const { expectations, update, ...decision } = gateRun(results, {
    failOn,
    isInterrupted: ending === "interrupted",
    unidentified,
    baseline,
    updatesBaseline,
    reportOnly,
    unscored,
    ids: (settings.checks ?? allChecks).map(({ id }) => id),
    today,
    redact,
  });
  if (update !== null) settings.onUpdate?.(update);
  return {
    ...decision,
    explanation: redact(decision.explanation),
    gate: !reportOnly,
    areas: reportAreas(results, { expectations, failOn, unscored }),
    checks: results.map((result) =>
      describeResult(result, {
        redact,
        target,
        expectation: expectations.get(result.check.id) ?? null,
        isScored: !unscored.has(result.check.id),
      }),
    ),
  };
}

function countPlanned(plan: readonly PlannedCheck[]): readonly { readonly area: Area; readonly planned: number }[] {
  const counts = new Map<Area, number>();
  for (const { check } of plan) counts.set(check.area, (counts.get(check.area) ?? 0) + 1);
  return [...counts].map(([area, planned]) => ({ area, planned }));
}

/** A run that was stopped after its last check is a whole one. */
function describeEnding(
  results: readonly CheckResult[],
  { unidentified }: PreparedRun,
  { signal }: RunSettings,
): RunEnding {
  if (signal?.aborted === true && results.some(({ reason }) => isUntried(reason))) return "interrupted";
  return unidentified === null ? "complete" : "unidentified";
}

type Progress =
  | { readonly type: "start"; readonly id: string }
  | { readonly type: "end"; readonly result: CheckResult };

async function collectResults(
  { target, officialSdk, plan, unidentified }: PreparedRun,
  settings: RunSettings & { readonly onAnswer: (exchange: Exchange) => void },
  onProgress: (progress: Progress) => void,
): Promise<readonly CheckResult[]> {
  const onResult = (result: CheckResult): void => onProgress({ type: "end", result });
  if (unidentified === null) {
    return runChecks({
      target,
      officialSdk,
      plan,
      onStart: ({ check }) => onProgress({ type: "start", id: check.id }),
      onResult,
      onAnswer: settings.onAnswer,
      ...(settings.limits === undefined ? {} : { limits: settings.limits }),
      ...(settings.signal === undefined ? {} : { signal: settings.signal }),
    });
  }
  return plan.map(({ check, skip }) =>
    skip === null
      ? accountForUntried(check, "the target was not identified")
      : accountFor(check, skip.outcome, skip.reason),
  );
}

function reportAreas(results: readonly CheckResult[], options: AreaOptions): AreaReport[] {
  const areas: Area[] = [...new Set(results.map(({ check }) => check.area))];
  return areas.map((area) => {
    const own = results.filter(({ check }) => check.area === area);
    return { area, ...gateArea(own, options), counts: countOutcomes(own) };
  });
}

function redactModels(models: Target["models"], redact: Redact): Target["models"] {
  return Object.fromEntries(Object.entries(models).map(([role, id]) => [role, redact(id)]));
}
