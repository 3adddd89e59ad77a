/** Options that several commands have, from what is typed to a target and to the settings of a run. */

import { type Command, InvalidArgumentError, Option } from "commander";
import type { FailOn } from "./exit-code.ts";
import { DEFAULT_LIMITS, type RunLimits } from "./limits.ts";
import { SDK_MAJORS, type SdkMajor } from "./official-sdk.ts";
import { listProfileNames } from "./profiles.ts";
import type { TargetOptions } from "./resolve-target.ts";

export interface TargetFlags {
  readonly baseUrl?: string;
  readonly apiKey?: string;
  readonly model?: string;
  readonly completionModel?: string;
  readonly header: readonly string[];
  readonly target?: string;
}

export interface LimitFlags {
  readonly timeoutMs: number;
  readonly runTimeoutMs: number;
  readonly preflightTimeoutMs: number;
  readonly concurrency: number;
}

/** @param defaults what the command says of where the target is when no flag does */
export function addTargetOptions(
  command: Command,
  defaults: { readonly baseUrl: string; readonly model: string },
): Command {
  return command
    .option("--base-url <url>", `where the target is, /v1 included; default: ${defaults.baseUrl}`)
    .option("--api-key <key>", "key that may do everything (env OPENAI_API_KEY)")
    .option("--model <id>", `chat model; default: ${defaults.model}`)
    .option("--completion-model <id>", "model for POST /completions; default: the chat model")
    .addOption(patternsOption("--header <name: value>", "sent with every request, as gateways ask for; repeatable"))
    .option("--target <file>", "recipe of the target: JSON with base_url, keys, headers and models");
}

export function addLimitOptions(command: Command): Command {
  const { checkTimeoutMs, runTimeoutMs, preflightTimeoutMs, concurrency } = DEFAULT_LIMITS;
  return command
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

export function failOnOption(): Option {
  const levels = ["must", "should"] satisfies FailOn[];
  return new Option("--fail-on <level>", "lowest level that fails a run").choices(levels).default("must");
}

export function profileOption(): Option {
  return new Option("--profile <name>", `a frozen set of checks: ${listProfileNames().join(", ")}; default: all`);
}

export function sdkOption(description = "major of the official SDK, openai, that checks call"): Option {
  return new Option("--sdk <major>", description).choices(SDK_MAJORS.map(String)).argParser(decodeSdkMajor);
}

export function mapTargetFlags(flags: TargetFlags, environment: TargetOptions["environment"] = {}): TargetOptions {
  return {
    baseUrl: flags.baseUrl,
    keys: { full: flags.apiKey },
    models: { chat: flags.model, completion: flags.completionModel },
    headers: flags.header,
    targetFile: flags.target,
    environment,
  };
}

export function mapLimitFlags(flags: LimitFlags): Partial<RunLimits> {
  return {
    checkTimeoutMs: flags.timeoutMs,
    runTimeoutMs: flags.runTimeoutMs,
    preflightTimeoutMs: flags.preflightTimeoutMs,
    concurrency: flags.concurrency,
  };
}

/** Repeatable, and each value holds one pattern or several with commas between: no id has a comma. */
export function patternsOption(flags: string, description: string, whenAbsent = "none"): Option {
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
