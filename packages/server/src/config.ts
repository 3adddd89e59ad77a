/**
 * The server's settings: one schema for the file, the environment and the flags, with every default in one place.
 * Precedence: flags, environment, file, defaults. Unknown keys are refused, so a typo never passes for a setting.
 */

import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { CLOCK_TOLERANCE_SECONDS_MAX } from "@openai-compat/core";
import { z } from "zod";
import { findClosestName } from "./closest-name.ts";
import { resolvePaths } from "./config-paths.ts";
import { describeProblems } from "./config-problems.ts";
import type { ProblemSource } from "./config-problems.ts";
import { readPath } from "./config-schema.ts";
import { modelsSchema, pricesSchema } from "./model-config.ts";
import { isKeySetUrl } from "./http/fetch-key-set.ts";
import { LOG_FORMATS, LOG_LEVELS } from "./operations/log-level.ts";
import { postgresSchema } from "./stores/postgres/settings.ts";

const milliseconds = z.int().min(1).max(86_400_000);
const count = z.int().min(1);

const limitsSchema = z.strictObject({
  bodyBytesMax: count.default(32 * 1024 * 1024).describe("Largest request body, in bytes."),
  bodiesBytesMax: count
    .default(256 * 1024 * 1024)
    .describe("Request bodies in memory at the same time, in bytes; more get 429."),
  accountBodiesBytesMax: count
    .default(64 * 1024 * 1024)
    .describe(
      "Request bodies of one account in memory at the same time, in bytes; more get 429. At least bodyBytesMax; less " +
        "where many accounts send at once, so that there is always room for one more.",
    ),
  smallBodyBytesMax: z
    .int()
    .min(0)
    .default(64 * 1024)
    .describe("Request bodies up to this size, in bytes, are read however many others are; they count for nothing."),
  bodyValuesMax: count.default(100_000).describe("Most values in a JSON body: objects, arrays and what they hold."),
  bodyNumbersMax: count
    .default(300_000)
    .describe("Most numbers in the arrays of a JSON body (token ids), which are not counted as values."),
  bodyDepthMax: count.default(500).describe("Deepest nesting of objects and arrays in a JSON body."),
  bodyTimeoutMs: milliseconds.default(60_000).describe("How long a request body may take to arrive."),
  bodyStallTimeoutMs: milliseconds
    .default(15_000)
    .describe("How long nothing of a request body may arrive before it is given up."),
  headersBytesMax: count.default(32 * 1024).describe("Largest request head, in bytes."),
  headersTimeoutMs: milliseconds.default(20_000).describe("How long a request head may take to arrive."),
  idleTimeoutMs: milliseconds.default(60_000).describe("How long a connection without a request is kept."),
  connectionsMax: count.default(4096).describe("Open connections; more are closed at once."),
  streamStallTimeoutMs: milliseconds
    .default(60_000)
    .describe(
      "How long a client may leave a stream unread, all its stalls together; then the call is cancelled and its slots are " +
        "free.",
    ),
  streamHeadersAfterMs: milliseconds
    .default(5000)
    .describe("How long a streamed call may wait to begin before its headers are sent; then errors are events."),
  streamKeepAliveMs: milliseconds
    .default(15_000)
    .describe("After how much silence of a stream a comment is sent, so that proxies keep it open."),
  callTimeMsMax: milliseconds.default(600_000).describe("How long an answer may take once its call was admitted."),
  shutdownTimeoutMs: milliseconds.default(10_000).describe("How long running answers may go on after SIGTERM."),
});

const queueSchema = z.strictObject({
  waitingMax: z.int().min(0).default(64).describe("Calls that may wait for a slot of a model; more get 429."),
  waitTimeMsMax: milliseconds.default(120_000).describe("How long a call may wait without a slot before it gets 503."),
  accountSlotsMax: count
    .nullable()
    .default(null)
    .describe(
      "Slots of a model that one account may hold at the same time, each choice and each text counted; null: all but one, " +
        "so that another account finds a free slot. On a server for one account, the models' concurrency is right.",
    ),
});

const memorySchema = z
  .strictObject({
    modelBytesMax: count
      .nullable()
      .default(null)
      .describe(
        "What loaded models may take together, in bytes, by estimate; null: 80 % of the memory that this process may " +
          "use, and no limit where a model uses a GPU. The least recently used make room for others.",
      ),
    waitTimeMsMax: milliseconds
      .default(120_000)
      .describe("How long a call may wait until its model has room in memory; then it gets 503."),
    graceMs: z
      .int()
      .min(0)
      .max(60_000)
      .default(250)
      .describe("How long a model that was just loaded or used keeps its place while another one waits for it."),
    idleUnloadMs: milliseconds
      .nullable()
      .default(1_800_000)
      .describe("After so long without a call a model is unloaded; null: never."),
    loadRetryDelayMs: milliseconds
      .default(5_000)
      .describe("For how long a model that failed to load is not tried again; doubled with each failure in a row."),
    loadRetryDelayMsMax: milliseconds.default(60_000).describe("Where the doubling ends."),
  })
  .refine((memory) => memory.loadRetryDelayMs <= memory.loadRetryDelayMsMax, {
    path: ["loadRetryDelayMsMax"],
    error: "it can't be less than loadRetryDelayMs",
  });

const authSchema = z
  .strictObject({
    jwtSecret: z
      .string()
      .min(32)
      .nullable()
      .default(null)
      .describe("Shared secret of HS256 tokens; null: made once and kept in the data directory."),
    jwtIssuer: z.string().nullable().default(null).describe("Required `iss`; null accepts any."),
    jwtAudience: z.string().nullable().default(null).describe("Required `aud`; null accepts any."),
    clockToleranceSeconds: z
      .int()
      .min(0)
      .max(CLOCK_TOLERANCE_SECONDS_MAX)
      .default(30)
      .describe("How far clocks may differ."),
    jwksUrl: z
      .string()
      .refine(isKeySetUrl, { error: "use an https URL, or http on this machine alone" })
      .nullable()
      .default(null)
      .describe("Where the issuer publishes the keys of RS256, ES256 and EdDSA tokens; null: such tokens are refused."),
    jwksMaxAgeMs: milliseconds
      .default(600_000)
      .describe("How long the issuer's keys are used without asking again; a withdrawn key ends by then."),
    jwksStaleGraceMs: z
      .int()
      .min(0)
      .max(86_400_000)
      .default(900_000)
      .describe("How much longer they are used while the issuer does not answer; then its tokens get 503."),
    jwksCooldownMs: milliseconds
      .default(10_000)
      .describe("Least time between two fetches for unknown keys, or after a fetch that failed."),
    jwksTimeoutMs: milliseconds.default(5_000).describe("How long a fetch of the issuer's keys may take."),
    jwksBytesMax: count.default(256 * 1024).describe("Largest set of keys, in bytes."),
    jwksKeysMax: count.default(100).describe("Most keys in a set."),
  })
  .refine((auth) => auth.jwksUrl === null || (auth.jwtIssuer !== null && auth.jwtAudience !== null), {
    path: ["jwksUrl"],
    error: "it needs jwtIssuer and jwtAudience: an issuer's keys also sign tokens that are meant for others",
  });

const perMinute = z.int().min(1).max(1_000_000_000).nullable();

const rateLimitsSchema = z.strictObject({
  requestsPerMinute: perMinute.default(null).describe("Calls of a model that an account may start in a minute."),
  tokensPerMinute: perMinute.default(null).describe("Tokens that an account may use in a minute, read and written."),
  refusalsPerMinute: perMinute
    .default(600)
    .describe(
      "Requests of an account that may be refused for what is in them (400, 404, 408, 413, 415) in a minute; then all " +
        "of its requests with a body get 429 before it is read. Each MiB that was read counts as one more.",
    ),
  accounts: z
    .record(
      z.string().min(1).max(320),
      z.strictObject({
        requestsPerMinute: perMinute.optional(),
        tokensPerMinute: perMinute.optional(),
        refusalsPerMinute: perMinute.optional(),
      }),
    )
    .default({})
    .describe(
      'Accounts with limits of their own: { "<account>": { "requestsPerMinute", "tokensPerMinute", "refusalsPerMinute" } }.',
    ),
});

const operationsSchema = z.strictObject({
  metricsToken: z
    .string()
    .min(16)
    .nullable()
    .default(null)
    .describe(
      "Bearer token that opens /metrics. Null: direct connections from this machine alone; behind a reverse proxy " +
        "on this machine that adds no X-Forwarded-For everybody looks local, so set one there.",
    ),
  readinessTimeoutMs: milliseconds.default(2000).describe("How long /readyz waits for the stores to answer."),
  writeProbeIntervalMs: milliseconds
    .default(5000)
    .describe("How long /readyz goes by its last trial write to the store before it makes another one."),
  otlpEndpoint: z
    .url({ protocol: /^https?$/ })
    .nullable()
    .default(null)
    .describe("Base URL of an OpenTelemetry collector; null: OTEL_EXPORTER_OTLP_ENDPOINT, else no traces are made."),
});

export const configSchema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("Address to listen on."),
  port: z.int().min(0).max(65_535).default(8080).describe("Port to listen on; 0: any free one."),
  dataDirectory: z.string().min(1).default(join(homedir(), ".openai-compat")).describe("Keys and the token secret."),
  store: z
    .enum(["sqlite", "postgres", "memory"])
    .default("sqlite")
    .describe("Where keys and credits are kept; memory: until the server stops; postgres: shared by several servers."),
  postgres: postgresSchema.prefault({}),
  allowedOrigins: z.array(z.string().min(1)).default(["*"]).describe("Web origins that may read answers."),
  logLevel: z
    .enum(LOG_LEVELS)
    .default("info")
    .describe(`Minimum log level: ${LOG_LEVELS.join(", ")}.`),
  logFormat: z
    .enum(LOG_FORMATS)
    .default("auto")
    .describe("json: an object a line; pretty: for people; auto: pretty on a terminal, else json."),
  logFile: z.string().min(1).nullable().default(null).describe("File to append the log to; null: standard error."),
  engines: z
    .enum(["auto", "small", "scripted"])
    .default("auto")
    .describe(
      "What serves when `models` is empty: the best models of the catalogue that memory and disk have room for, its " +
        "smallest, or the scripted engine.",
    ),
  limits: limitsSchema.prefault({}),
  queue: queueSchema.prefault({}),
  memory: memorySchema.prefault({}),
  rateLimits: rateLimitsSchema.prefault({}),
  prices: pricesSchema.prefault({}),
  auth: authSchema.prefault({}),
  operations: operationsSchema.prefault({}),
  models: modelsSchema,
});

export type Config = z.output<typeof configSchema>;
export type ConfigInput = z.input<typeof configSchema>;

/** A configuration that can't be used; the message says which key of which source, and why. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

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
  const environment = resolvePaths(decodeEnvironment(sources.environment), null);
  const flags = resolvePaths(sources.flags, null);
  const variableOf = (setting: readonly PropertyKey[]) => findVariable(setting, { ...sources, flags });
  return parseConfig(mergeSettings(mergeSettings(file, environment), flags), { file: path, variableOf });
}

function readConfigFile(path: string): Settings {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (thrown) {
    throw new ConfigError(`The configuration file ${path} can't be read: ${messageOf(thrown)}`);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    throw new ConfigError(`The configuration file ${path} is not valid JSON: ${withoutQuote(messageOf(thrown))}`);
  }
  if (!isSettings(value)) throw new ConfigError(`The configuration file ${path} has to hold a JSON object.`);
  // Checked on its own first, so that a mistake in the file is not blamed on a flag.
  parseConfig(value, { file: path, variableOf: () => null });
  return resolvePaths(value, path);
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
   * `OPENAI_COMPAT_LIMITS_BODY_BYTES_MAX` for `limits.bodyBytesMax`; null for tables of objects, which belong in the file.
   * A list of texts is separated by commas.
   */
  readonly environmentName: string | null;
  readonly description: string;
  readonly defaultValue: unknown;
}

/** Every setting there is, in the order of the schema. */
export function listSettings(): readonly Setting[] {
  return listGroup(configSchema, [], configSchema.parse({}));
}

function listGroup(group: z.ZodObject, path: readonly string[], defaults: unknown): readonly Setting[] {
  return Object.entries(group.shape).flatMap(([key, member]) => {
    const value = isSettings(defaults) ? defaults[key] : undefined;
    const inner = member instanceof z.ZodPrefault ? member.def.innerType : null;
    if (inner instanceof z.ZodObject) return listGroup(inner, [...path, key], value);
    return [describeSetting([...path, key], member, value)];
  });
}

/** A table of objects belongs in the file. */
const FILE_ONLY = new Set(["rateLimits.accounts"]);
/** What may be a list of texts. */
const TEXT_LISTS = new Set(["allowedOrigins", "models"]);

function describeSetting(path: readonly string[], schema: z.core.$ZodType, defaultValue: unknown): Setting {
  return {
    path,
    environmentName: FILE_ONLY.has(path.join(".")) ? null : nameVariable(path),
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
  for (const { path, environmentName } of listSettings()) {
    if (environmentName === null) continue;
    const text = environment[environmentName];
    if (text === undefined || text === "") continue;
    const value = TEXT_LISTS.has(path.join(".")) ? text.split(",").map((item) => item.trim()) : decodeScalar(text);
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

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `over` wins; objects are merged, lists are replaced, undefined says nothing. */
function mergeSettings(under: Settings, over: Settings): Settings {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === undefined) continue;
    const below = merged[key];
    merged[key] = isSettings(value) && isSettings(below) ? mergeSettings(below, value) : value;
  }
  return merged;
}

/** The parser quotes the text around some mistakes, and a secret may stand there. */
function withoutQuote(message: string): string {
  return message.replace(/, (?:\.\.\.)?".*$/s, "");
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
