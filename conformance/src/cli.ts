/** The command line as a function: from arguments to an exit code. It owns no rule of judging. */

import { Command, CommanderError } from "commander";
import { allChecks } from "./all-checks.ts";
import {
  addLimitOptions,
  addTargetOptions,
  failOnOption,
  type LimitFlags,
  mapLimitFlags,
  mapTargetFlags,
  patternsOption,
  profileOption,
  sdkOption,
  type TargetFlags,
} from "./cli-options.ts";
import { renderComparison } from "./compare-reports.ts";
import { findProfile, selectChecks } from "./profiles.ts";
import { describeReplay, findReplayed, findSdkMajor } from "./replay.ts";
import { readReport } from "./read-report.ts";
import { readBaseline } from "./baseline.ts";
import type { Check } from "./check.ts";
import { EXIT_CODES, type FailOn, USAGE_EXIT_CODE } from "./exit-code.ts";
import { DEFAULT_SDK, type SdkMajor } from "./official-sdk.ts";
import { matchesPattern, type PlannedCheck, refuseUnmatched, UnmatchedPatternError } from "./plan.ts";
import {
  createReporter,
  decodeReporterChoice,
  DEFAULT_REPORTERS,
  REPORTER_NAMES,
  type ReporterChoice,
} from "./reporters/create-reporter.ts";
import type { Output, Reporter } from "./reporters/reporter.ts";
import { ConfigurationError, resolveTarget } from "./resolve-target.ts";
import { judgeTarget, prepareRun, type RunSettings } from "./run-conformance.ts";
import { readSuiteIdentity } from "./suite-identity.ts";
import type { Target } from "./target.ts";
import { openBaseline, saveBaseline } from "./update-baseline.ts";

export interface CommandLineIo {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Stops the run, for example on SIGINT. */
  readonly signal?: AbortSignal;
  /** Default: every check of the suite. */
  readonly checks?: readonly Check[];
}

/** What to type here: the repository runs its sources, and what npm users install is a bundle. */
const PROGRAM = import.meta.url.endsWith(".ts") ? "npx -y pnpm@12 conformance" : "npx @openai-compat/conformance";

interface RunFlags extends TargetFlags, LimitFlags {
  readonly sdk: SdkMajor;
  readonly profile?: string;
  readonly only: readonly string[];
  readonly disable: readonly string[];
  readonly reporter: readonly string[];
  readonly plan?: true;
  readonly failOn: FailOn;
  readonly baseline?: string;
  readonly updateBaseline?: true;
  readonly reportOnly?: true;
}

interface ReplayFlags extends TargetFlags, LimitFlags {
  readonly sdk?: SdkMajor;
}

/** @param words the arguments after the program's name. @returns the exit code; see `exit-code.ts` */
export async function runCommandLine(words: readonly string[], io: CommandLineIo): Promise<number> {
  let exitCode = 0;
  const setExitCode = (code: number): void => void (exitCode = code);
  try {
    await defineProgram(io, setExitCode).parseAsync([...words], { from: "user" });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : USAGE_EXIT_CODE;
    if (error instanceof ConfigurationError || error instanceof UnmatchedPatternError) {
      io.stderr.write(`${error.message}\n`);
      return USAGE_EXIT_CODE;
    }
    io.stderr.write(`The suite broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT_CODES["harness-error"];
  }
}

function defineProgram(io: CommandLineIo, setExitCode: (code: number) => void): Command {
  const checks = io.checks ?? allChecks;
  const program = new Command(PROGRAM)
    .description("Judges any OpenAI-compatible server through the official SDK, its schemas and the wire.")
    .version(readSuiteIdentity().version)
    .addHelpText("after", `\nWithout a command it runs: ${PROGRAM} --base-url URL\nIts options: ${PROGRAM} run --help`)
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) });

  defineRunCommand(program).action(async (flags: RunFlags) => setExitCode(await run(flags, io)));
  defineReplayCommand(program).action(async (file: string, id: string, flags: ReplayFlags) =>
    setExitCode(await replay({ file, id }, flags, io)),
  );
  defineCompareCommand(program).action(async (before: string, after: string, { failOn }: Pick<RunFlags, "failOn">) =>
    setExitCode(await compare(before, after, { failOn, stdout: io.stdout })),
  );
  program
    .command("list")
    .description("print every check")
    .addOption(patternsOption("--only <pattern>", "print only these checks"))
    .addOption(profileOption())
    .action(({ only, profile }: Pick<RunFlags, "only" | "profile">) =>
      list(profile === undefined ? checks : selectChecks(findProfile(profile), checks), only, io.stdout),
    );
  program
    .command("explain")
    .description("say what a check is about")
    .argument("<id>", "id of a check, or a pattern as for --only")
    .action((pattern: string) => explain(checks, pattern, io.stdout));
  return program;
}

function defineRunCommand(program: Command): Command {
  const command = addTargetOptions(program.command("run", { isDefault: true }).description("judge a target"), {
    baseUrl: "OPENAI_BASE_URL",
    model: "OPENAI_CONFORMANCE_MODEL, or the first of GET /models that answers a chat",
  })
    .addOption(sdkOption().default(DEFAULT_SDK.major))
    .addOption(profileOption())
    .addOption(
      patternsOption(
        "--only <pattern>",
        "run only these checks: an id, a dotted prefix, or with *; repeatable, or several with commas",
      ),
    )
    .addOption(patternsOption("--disable <pattern>", "account for these checks as disabled; repeatable"))
    .addOption(
      patternsOption(
        "--reporter <name[:file]>",
        `${REPORTER_NAMES.join(", ")}; repeatable`,
        DEFAULT_REPORTERS.join(" "),
      ),
    )
    .option("--plan", "print what would run, and why the rest would not")
    .addOption(failOnOption())
    .option(
      "--baseline <file>",
      "YAML with checks that are expected to fail: their failures don't fail the run, and an entry that no longer fits does",
    )
    .option(
      "--update-baseline",
      "write the smallest baseline that the run fits; entries that still hold stay as they are",
    )
    .option("--report-only", "exit code 0 where it would be 1; the report says gate: false");
  return addLimitOptions(command);
}

function defineReplayCommand(program: Command): Command {
  const command = program
    .command("replay")
    .description("run one check of a JSON report again, and say whether it ends as in the report")
    .argument("<file>", "JSON report")
    .argument("<id>", "id of the check");
  return addLimitOptions(
    addTargetOptions(command, { baseUrl: "the report's", model: "the report's" }).addOption(
      sdkOption("major of the official SDK, openai; default: the report's"),
    ),
  );
}

function defineCompareCommand(program: Command): Command {
  return program
    .command("compare")
    .description("say what is worse, better, new and gone in the second of two JSON reports")
    .argument("<before>", "JSON report")
    .argument("<after>", "JSON report, of the same target or of another")
    .addOption(failOnOption());
}

async function run(flags: RunFlags, io: CommandLineIo): Promise<number> {
  const target = await resolveTarget(mapTargetFlags(flags, io.environment));
  const opened = await openBaselineOf(flags);
  const settings: RunSettings = {
    ...opened,
    reportOnly: flags.reportOnly === true,
    sdk: flags.sdk,
    ...(flags.profile === undefined ? {} : { profile: flags.profile }),
    only: flags.only,
    disable: flags.disable,
    failOn: flags.failOn,
    limits: mapLimitFlags(flags),
    ...(io.checks === undefined ? {} : { checks: io.checks }),
    ...(io.signal === undefined ? {} : { signal: io.signal }),
  };
  const choices = (flags.reporter.length === 0 ? DEFAULT_REPORTERS : flags.reporter).map(decodeReporterChoice);
  if (flags.plan === true) return printPlan(target, settings, io.stdout);
  const reporter = openReporter(choices, io);
  const report = await judgeTarget(target, { ...settings, onEvent: (event) => reporter.handle(event) });
  return report.exitCode;
}

function openReporter(choices: readonly ReporterChoice[], { stdout, environment }: CommandLineIo): Reporter {
  const colour = stdout.isTerminal && (environment["NO_COLOR"] ?? "") === "";
  const { GITHUB_STEP_SUMMARY: summaryFile = "" } = environment;
  return createReporter(choices, { terminal: stdout, colour, summaryFile: summaryFile === "" ? null : summaryFile });
}

/** @returns the exit code of a run of this one check */
async function replay(words: { readonly file: string; readonly id: string }, flags: ReplayFlags, io: CommandLineIo) {
  const { checks = allChecks, signal } = io;
  const recorded = await readReport(words.file);
  const { id } = words;
  const before = findReplayed(
    recorded,
    id,
    checks.map((check) => check.id),
  );
  const given = mapTargetFlags(flags, io.environment);
  const known = Object.entries(given.models ?? {}).filter(([, model]) => model !== undefined);
  const target = await resolveTarget({
    ...given,
    baseUrl: given.baseUrl ?? recorded.baseUrl,
    models: { ...recorded.models, ...Object.fromEntries(known) },
  });
  const reporter = openReporter([decodeReporterChoice("pretty")], io);
  const report = await judgeTarget(target, {
    checks,
    only: [id],
    sdk: flags.sdk ?? findSdkMajor(recorded) ?? DEFAULT_SDK.major,
    limits: mapLimitFlags(flags),
    onEvent: (event) => reporter.handle(event),
    ...(signal === undefined ? {} : { signal }),
  });
  const after = report.checks.find((check) => check.id === id);
  if (after !== undefined && report.ending === "complete") io.stdout.write(`${describeReplay(before, after)}\n`);
  return report.exitCode;
}

async function compare(before: string, after: string, { failOn, stdout }: { failOn: FailOn; stdout: Output }) {
  const { text, exitCode } = renderComparison(await readReport(before), await readReport(after), failOn);
  stdout.write(text);
  return exitCode;
}

/** @returns the settings of a run that are about its baseline. @throws ConfigurationError */
async function openBaselineOf({
  baseline: file,
  updateBaseline,
}: Pick<RunFlags, "baseline" | "updateBaseline">): Promise<
  Pick<RunSettings, "baseline" | "updatesBaseline" | "onUpdate">
> {
  if (file === undefined) {
    if (updateBaseline === true)
      throw new ConfigurationError("--update-baseline needs --baseline FILE, which it writes.");
    return {};
  }
  if (updateBaseline !== true) return { baseline: await readBaseline(file) };
  const { baseline, document } = await openBaseline(file);
  return { baseline, updatesBaseline: true, onUpdate: (update) => saveBaseline(file, document, update) };
}

async function printPlan(target: Target, settings: RunSettings, stdout: Output): Promise<number> {
  const { plan, notes, unidentified } = await prepareRun(target, settings);
  for (const note of notes) stdout.write(`${note}\n`);
  for (const { check, skip } of plan) {
    stdout.write(`${skip === null ? "run" : skip.outcome} ${check.id}${skip === null ? "" : `: ${skip.reason}`}\n`);
  }
  stdout.write(`\n${summarisePlan(plan)}`);
  if (unidentified !== null) stdout.write(`Nothing would be proved: ${unidentified}\n`);
  return unidentified === null && plan.some(({ skip }) => skip === null) ? 0 : EXIT_CODES.unproved;
}

/** How many checks would run, and how many would not for which reason, most frequent first. */
function summarisePlan(plan: readonly PlannedCheck[]): string {
  const counts = new Map<string, number>();
  for (const { skip } of plan) {
    if (skip !== null) counts.set(skip.reason, (counts.get(skip.reason) ?? 0) + 1);
  }
  const skipped = [...counts.values()].reduce((total, count) => total + count, 0);
  const reasons = [...counts].toSorted(([, one], [, other]) => other - one);
  const lines = reasons.map(([reason, count]) => `  ${String(count).padStart(3)}  ${reason}\n`);
  return `${plan.length - skipped} of ${plan.length} checks would run, ${skipped} would not:\n${lines.join("")}`;
}

function list(checks: readonly Check[], only: readonly string[], stdout: Output): void {
  refuseUnmatched(only, checks);
  const selected = checks.filter(({ id }) => only.length === 0 || only.some((pattern) => matchesPattern(id, pattern)));
  for (const { id, level, tier, requirement } of selected) stdout.write(`${id}  ${level}  ${tier}  ${requirement}\n`);
}

/** @param pattern an id, or a pattern of several */
function explain(checks: readonly Check[], pattern: string, stdout: Output): void {
  refuseUnmatched([pattern], checks);
  const matching = checks.filter(({ id }) => matchesPattern(id, pattern));
  const exact = matching.filter(({ id }) => id === pattern);
  const explained = exact.length > 0 ? exact : matching;
  stdout.write(explained.map(describeCheck).join("\n"));
}

function describeCheck({ id, area, level, tier, requirement, reference, breaks, needs }: Check): string {
  const rows = { area, level, tier, requirement, reference, breaks, needs: needs.join(", ") || "nothing" };
  const lines = Object.entries(rows).map(([name, value]) => `  ${name.padEnd(11)}  ${value}\n`);
  return `${id}\n${lines.join("")}`;
}
