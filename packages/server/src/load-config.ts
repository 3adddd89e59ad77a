/**
 * Reads the settings of `config.ts` from their sources. Precedence: flags, environment, file, defaults. A mistake is
 * reported with the key and the source that it came from.
 */

import { readFileSync } from "node:fs";
import { isRecord } from "@openai-compat/core";
import { z } from "zod";
import { describeThrown } from "./describe-thrown.ts";
import { findClosestName } from "./closest-name.ts";
import { ConfigError } from "./config-error.ts";
import { resolvePaths } from "./config-paths.ts";
import { describeProblems } from "./config-problems.ts";
import type { ProblemSource } from "./config-problems.ts";
import { readPath, unwrapSchema } from "./config-schema.ts";
import { configSchema } from "./config.ts";
import type { Config, ConfigInput } from "./config.ts";

export interface ConfigSources {
  /** Path of a JSON file; null for none. */
  readonly file: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What the command line said, in the schema's shape. */
  readonly flags: Partial<ConfigInput>;
  /** Where they differ from the schema's. */
  readonly defaults?: Partial<ConfigInput>;
}

/** @throws ConfigError */
export function loadConfig(sources: ConfigSources): Config {
  const { defaults = {}, file: path } = sources;
  const file = mergeSettings(defaults, path === null ? {} : readConfigFile(path));
  const environment = resolvePaths(configSchema, decodeEnvironment(sources.environment), null);
  const flags = resolvePaths(configSchema, sources.flags, null);
  const variableOf = (setting: readonly PropertyKey[]) => findVariable(setting, { ...sources, flags });
  return parseConfig(mergeSettings(mergeSettings(file, environment), flags), { file: path, variableOf });
}

function readConfigFile(path: string): Settings {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    throw new ConfigError(`The configuration file ${path} can't be read: ${describeThrown(thrown)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new ConfigError(`The configuration file ${path} is not valid JSON: ${withoutQuote(describeThrown(thrown))}`);
  }
  if (!isRecord(value)) throw new ConfigError(`The configuration file ${path} has to hold a JSON object.`);
  // Checked on its own first, so that a mistake in the file is not blamed on a flag.
  parseConfig(value, { file: path, variableOf: () => null });
  return resolvePaths(configSchema, value, path);
}

interface SettingsOrigin extends Pick<ProblemSource, "variableOf"> {
  readonly file: string | null;
}

function parseConfig(value: Settings, { file, variableOf }: SettingsOrigin): Config {
  const result = configSchema.safeParse(value);
  if (result.success) return result.data;
  const problems = describeProblems(result.error.issues, { schema: configSchema, value, variableOf });
  const place = file === null ? "" : ` (${file})`;
  throw new ConfigError(`The configuration${place} is wrong:\n${problems.map((problem) => `  ${problem}`).join("\n")}`);
}

/** The variable that a value was taken from; null where a flag has replaced it, or the file has it. */
function findVariable(setting: readonly PropertyKey[], { environment, flags }: ConfigSources): string | null {
  const found = listSettings().find(({ path }) => path.every((key, index) => key === setting[index]));
  if (found === undefined || found.environmentName === null) return null;
  const isUsed = (environment[found.environmentName] ?? "") !== "" && readPath(flags, found.path) === undefined;
  return isUsed ? found.environmentName : null;
}

const ENVIRONMENT_PREFIX = "OPENAI_COMPAT_";

export interface Setting {
  /** Where it lies in the file. */
  readonly path: readonly string[];
  /**
   * `OPENAI_COMPAT_LIMITS_BODY_BYTES_MAX` for `limits.bodyBytesMax`; null for tables of objects, which belong in the
   * file.
   */
  readonly environmentName: string | null;
  /** In the environment, a list of texts is separated by commas. */
  readonly isList: boolean;
  readonly description: string;
  readonly defaultValue: unknown;
}

/** Every setting there is, in the order of the schema. */
export function listSettings(): readonly Setting[] {
  return listGroup(configSchema, [], configSchema.parse({}));
}

function listGroup(group: z.ZodObject, path: readonly string[], defaults: unknown): readonly Setting[] {
  return Object.entries(group.shape).flatMap(([key, member]) => {
    const value = isRecord(defaults) ? defaults[key] : undefined;
    const inner = member instanceof z.ZodPrefault ? member.def.innerType : null;
    if (inner instanceof z.ZodObject) return listGroup(inner, [...path, key], value);
    return [describeSetting([...path, key], member, value)];
  });
}

function describeSetting(path: readonly string[], schema: z.core.$ZodType, defaultValue: unknown): Setting {
  const shape = unwrapSchema(schema);
  return {
    path,
    environmentName: shape instanceof z.ZodRecord ? null : nameVariable(path),
    isList: shape instanceof z.ZodArray,
    description: z.globalRegistry.get(schema)?.description ?? "",
    defaultValue,
  };
}

function nameVariable(path: readonly string[]): string {
  return `${ENVIRONMENT_PREFIX}${path.map(encodeUpperSnake).join("_")}`;
}

function encodeUpperSnake(camelCase: string): string {
  return camelCase.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

function decodeEnvironment(environment: ConfigSources["environment"]): Settings {
  let settings: Settings = {};
  for (const { path, environmentName, isList } of listSettings()) {
    if (environmentName === null) continue;
    const text = environment[environmentName];
    if (text === undefined || text === "") continue;
    const value = isList ? text.split(",").map((item) => item.trim()) : decodeScalar(text);
    settings = mergeSettings(settings, nestSetting(path, value));
  }
  return settings;
}

/** Variables that other parts read: the command line, the cache of models, the launcher. */
const OTHER_VARIABLES = ["CONFIG", "CACHE", "HUB_URL", "RELAUNCHED"].map((name) => `${ENVIRONMENT_PREFIX}${name}`);
/** Of this repository's tests. */
const TEST_PREFIX = `${ENVIRONMENT_PREFIX}TEST_`;

/** Variables that look like settings and are none, a sentence each: a misspelt one would do nothing, silently. */
export function listUnknownVariables(environment: ConfigSources["environment"]): readonly string[] {
  const settings = listSettings();
  const known = [...settings.flatMap(({ environmentName }) => environmentName ?? []), ...OTHER_VARIABLES];
  const unknown = Object.keys(environment).filter(
    (name) => name.startsWith(ENVIRONMENT_PREFIX) && !name.startsWith(TEST_PREFIX) && !known.includes(name),
  );
  return unknown.map((name) => {
    const inFile = settings.find(
      ({ path, environmentName }) => environmentName === null && nameVariable(path) === name,
    );
    if (inFile !== undefined) return `${name} is not read: set ${inFile.path.join(".")} in the configuration file.`;
    const closest = findClosestName(name, known);
    return `${name} is not a setting and does nothing.${closest === null ? "" : ` Did you mean ${closest}?`}`;
  });
}

/** `["limits", "bodyBytesMax"]` and a value to `{ limits: { bodyBytesMax: value } }`. */
function nestSetting([key = "", ...rest]: readonly string[], value: unknown): Settings {
  return { [key]: rest.length === 0 ? value : nestSetting(rest, value) };
}

function decodeScalar(text: string): string | number {
  return /^-?\d{1,15}$/.test(text) ? Number(text) : text;
}

type Settings = Readonly<Record<string, unknown>>;

/** `over` wins; objects are merged, lists are replaced, undefined says nothing. */
function mergeSettings(under: Settings, over: Settings): Settings {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const below = merged[key];
    merged[key] = isRecord(value) && isRecord(below) ? mergeSettings(below, value) : value;
  }
  return merged;
}

/** The parser quotes the text around some mistakes, and a secret may stand there. */
function withoutQuote(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*$/s, "");
}
