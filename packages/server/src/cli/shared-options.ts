/** The options that every command shares, and the way from them to the configuration. */

import { Option } from "commander";
import type { Command } from "commander";
import { listUnknownVariables, loadConfig } from "../load-config.ts";
import type { Config, ConfigInput } from "../config.ts";

export interface SharedOptions {
  readonly config?: string;
  readonly dataDirectory?: string;
}

export function addSharedOptions(command: Command): Command {
  return command
    .addOption(new Option("--config <file>", "JSON file with settings").env("OPENAI_COMPAT_CONFIG"))
    .option("--data-directory <path>", "where keys and the token secret are kept");
}

/** @param defaults replace those of the schema. @throws ConfigError */
export function resolveSettings(
  options: SharedOptions,
  flags: Partial<ConfigInput> = {},
  defaults: Partial<ConfigInput> = {},
): Config {
  for (const warning of listUnknownVariables(process.env)) process.stderr.write(`warning: ${warning}\n`);
  return loadConfig({
    defaults,
    file: options.config ?? null,
    environment: process.env,
    flags: { ...flags, ...(options.dataDirectory === undefined ? {} : { dataDirectory: options.dataDirectory }) },
  });
}
