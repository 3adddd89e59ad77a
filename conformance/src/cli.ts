/** The command line as a function: from arguments to an exit code. It owns no rule of judging. */

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { allChecks } from "./all-checks.ts";
import { readBaseline } from "./baseline.ts";
import type { Check } from "./check.ts";
import { EXIT_CODES, type FailOn, USAGE_EXIT_CODE } from "./exit-code.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { DEFAULT_SDK, SDK_MAJORS, type SdkMajor } from "./official-sdk.ts";
import { matchesPattern, type PlannedCheck, refuseUnmatched, UnmatchedPatternError } from "./plan.ts";
import {
  createReporter,
  decodeReporterChoice,
  DEFAULT_REPORTERS,
  REPORTER_NAMES,
} from "./reporters/create-reporter.ts";
import type { Output } from "./reporters/reporter.ts";
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

interface RunFlags {
  readonly baseUrl?: string;
  readonly apiKey?: string;
  readonly model?: string;
  readonly completionModel?: string;
  readonly header: readonly string[];
  readonly target?: string;
  readonly sdk: SdkMajor;
  readonly only: readonly string[];
  readonly disable: readonly string[];
  readonly reporter: readonly string[];
  readonly plan?: true;
  readonly failOn: FailOn;
  readonly baseline?: string;
  readonly updateBaseline?: true;
  readonly reportOnly?: true;
  readonly timeoutMs: number;
  readonly runTimeoutMs: number;
  readonly preflightTimeoutMs: number;
  readonly concurrency: number;
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
  program
    .command("list")
    .description("print every check")
    .addOption(patternsOption("--only <pattern>", "print only these checks"))
    .action(({ only }: Pick<RunFlags, "only">) => list(checks, only, io.stdout));
  program
    .command("explain")
    .description("say what a check is about")
    .argument("<id>", "id of a check, or a pattern as for --only")
    .action((pattern: string) => explain(checks, pattern, io.stdout));
  return program;
}

function defineRunCommand(program: Command): Command {
  const { checkTimeoutMs, runTimeoutMs, preflightTimeoutMs, concurrency } = DEFAULT_LIMITS;
  return program
    .command("run", { isDefault: true })
    .description("judge a target")
    .option("--base-url <url>", "where the target is, /v1 included (env OPENAI_BASE_URL)")
    .option("--api-key <key>", "key that may do everything (env OPENAI_API_KEY)")
    .option(
      "--model <id>",
      "chat model (env OPENAI_CONFORMANCE_MODEL); default: the first of GET /models that answers a chat",
    )
    .option("--completion-model <id>", "model for POST /completions; default: the chat model")
    .addOption(patternsOption("--header <name: value>", "sent with every request, as gateways ask for; repeatable"))
    .option("--target <file>", "recipe of the target: JSON with base_url, keys, headers and models")
    .addOption(
      new Option("--sdk <major>", "major of the official SDK, openai, that checks call")
        .choices(SDK_MAJORS.map(String))
        .default(DEFAULT_SDK.major)
        .argParser(decodeSdkMajor),
    )
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
    .addOption(
      new Option("--fail-on <level>", "lowest level that fails a run").choices(["must", "should"]).default("must"),
    )
    .option(
      "--baseline <file>",
      "YAML with checks that are expected to fail: their failures don't fail the run, and an entry that no longer fits does",
    )
    .option(
      "--update-baseline",
      "write the smallest baseline that the run fits; entries that still hold stay as they are",
    )
    .option("--report-only", "exit code 0 where it would be 1; the report says gate: false")
    .option(
      "--timeout-ms <ms>",
      "a check to whose requests nothing comes for this time is given up",
      decodePositive,
      checkTimeoutMs,
    )
    .option("--run-timeout-ms <ms>", "time for the whole run", decodePositive, runTimeoutMs)
    .option(
      "--preflight-timeout-ms <ms>",
      "time for the request that identifies the target",
      decodePositive,
      preflightTimeoutMs,
    )
    .option(
      "--concurrency <n>",
      "checks at the same time, of those that don't depend on others",
      decodePositive,
      concurrency,
    );
}

/** Repeatable, and each value holds one pattern or several with commas between: no id has a comma. */
function patternsOption(flags: string, description: string, whenAbsent = "none"): Option {
  return new Option(flags, description)
    .default([], whenAbsent)
    .argParser((value: string, before: readonly string[]) => [
      ...before,
      ...value.split(",").map((part) => part.trim()),
    ]);
}

function decodePositive(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0 && value < 2 ** 31) return value;
  throw new InvalidArgumentError("It must be a whole number above 0.");
}

function decodeSdkMajor(text: string): SdkMajor {
  const major = SDK_MAJORS.find((candidate) => String(candidate) === text);
  if (major === undefined) throw new InvalidArgumentError(`It must be one of ${SDK_MAJORS.join(", ")}.`);
  return major;
}

async function run(flags: RunFlags, io: CommandLineIo): Promise<number> {
  const target = await resolveTarget({
    baseUrl: flags.baseUrl,
    keys: { full: flags.apiKey },
    models: { chat: flags.model, completion: flags.completionModel },
    headers: flags.header,
    targetFile: flags.target,
    environment: io.environment,
  });
  const opened = await openBaselineOf(flags);
  const settings: RunSettings = {
    ...opened,
    reportOnly: flags.reportOnly === true,
    sdk: flags.sdk,
    only: flags.only,
    disable: flags.disable,
    failOn: flags.failOn,
    limits: {
      checkTimeoutMs: flags.timeoutMs,
      runTimeoutMs: flags.runTimeoutMs,
      preflightTimeoutMs: flags.preflightTimeoutMs,
      concurrency: flags.concurrency,
    },
    ...(io.checks === undefined ? {} : { checks: io.checks }),
    ...(io.signal === undefined ? {} : { signal: io.signal }),
  };
  if (flags.plan === true) return printPlan(target, settings, io.stdout);
  const choices = (flags.reporter.length === 0 ? DEFAULT_REPORTERS : flags.reporter).map(decodeReporterChoice);
  const colour = io.stdout.isTerminal && (io.environment["NO_COLOR"] ?? "") === "";
  const { GITHUB_STEP_SUMMARY: summaryFile = "" } = io.environment;
  const reporter = createReporter(choices, {
    terminal: io.stdout,
    colour,
    summaryFile: summaryFile === "" ? null : summaryFile,
  });
  const report = await judgeTarget(target, { ...settings, onEvent: (event) => reporter.handle(event) });
  return report.exitCode;
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
