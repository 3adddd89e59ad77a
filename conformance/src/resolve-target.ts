/**
 * Makes the target out of what was given: flags win over the recipe file, which wins over the environment. It reads
 * files and runs the recipe's key commands, and sends nothing to the target.
 */

import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { z } from "zod";
import { KEY_VARIABLES } from "./encode-curl.ts";
import { SECRET_LENGTH_MIN } from "./redact.ts";
import { type Fixtures, KEY_NAMES, type KeyName, MODEL_ROLES, type ModelRole, type Target } from "./target.ts";

/** Wrong usage or configuration; the message says which and what to do. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export interface TargetOptions {
  readonly baseUrl?: string | undefined;
  readonly keys?: Readonly<Partial<Record<KeyName, string | undefined>>>;
  readonly models?: Readonly<Partial<Record<ModelRole, string | undefined>>>;
  /** Sent with every request: `Name: value`. They win over the recipe's. */
  readonly headers?: readonly string[] | undefined;
  /** What was prepared for checks; see the README. */
  readonly fixtures?: Readonly<Partial<Fixtures>> | undefined;
  /** Path of a recipe file. */
  readonly targetFile?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Time for a key command. */
const KEY_COMMAND_TIMEOUT_MS = 30_000;

const keySource = z.union([
  z.string().min(1),
  z.strictObject({ env: z.string().min(1) }),
  z.strictObject({ command: z.tuple([z.string().min(1)], z.string()) }),
]);

type KeySource = z.infer<typeof keySource>;

/** Checks send about so many calls: nobody prepares an account for thousands. */
const count = z.int().positive().max(100);
/** The check sends one byte more. */
const BODY_BYTES_MAX = 256 * 1024 * 1024;

/** Decodes the recipe's names to ours. */
const fixturesSchema = z.strictObject({
  small_credit: z.exactOptional(
    z
      .strictObject({ affordable_calls: count, max_tokens: z.int().positive().max(4096) })
      .transform((given) => ({ affordableCalls: given.affordable_calls, maxTokens: given.max_tokens })),
  ),
  rate_limited: z.exactOptional(
    z
      .strictObject({ requests_per_minute: count })
      .transform((given) => ({ requestsPerMinute: given.requests_per_minute })),
  ),
  overload: z.exactOptional(
    z
      .strictObject({
        model: z.string().min(1),
        concurrency: count,
        waiting_max: z.int().nonnegative().max(100),
        others: z.exactOptional(
          z.strictObject({
            embedding: z.exactOptional(z.string().min(1)),
            transcription: z.exactOptional(z.string().min(1)),
            speech: z.exactOptional(z.string().min(1)),
          }),
        ),
      })
      .transform(({ waiting_max: waitingMax, ...given }) => ({ ...given, waitingMax })),
  ),
  upstream_secret: z.exactOptional(z.string().min(SECRET_LENGTH_MIN)),
  body_bytes_max: z.exactOptional(z.int().positive().max(BODY_BYTES_MAX)),
});

const recipeSchema = z.strictObject({
  base_url: z.string(),
  keys: z.partialRecord(z.enum(KEY_NAMES), keySource).default({}),
  models: z.partialRecord(z.enum(MODEL_ROLES), z.string()).default({}),
  headers: z.record(z.string(), keySource).default({}),
  fixtures: fixturesSchema.default({}),
});

type Recipe = z.infer<typeof recipeSchema>;

/** @throws ConfigurationError */
export async function resolveTarget(options: TargetOptions): Promise<Target> {
  const environment = options.environment ?? {};
  const recipe = options.targetFile === undefined ? undefined : await readRecipe(options.targetFile);
  const baseUrl = options.baseUrl ?? recipe?.base_url ?? environment["OPENAI_BASE_URL"];
  if (baseUrl === undefined) {
    throw new ConfigurationError("No target: pass --base-url URL or --target FILE, or set OPENAI_BASE_URL.");
  }
  const keys: Partial<Record<KeyName, string>> = {};
  for (const name of KEY_NAMES) {
    const fromEnvironment = environment[KEY_VARIABLES[name]];
    const source = recipe?.keys[name];
    const fromRecipe = source === undefined ? undefined : await readValue(`Key \`${name}\``, source, environment);
    const key = options.keys?.[name] ?? fromRecipe ?? (fromEnvironment === "" ? undefined : fromEnvironment);
    if (key !== undefined) keys[name] = key;
  }
  const models: Partial<Record<ModelRole, string>> = {};
  for (const role of MODEL_ROLES) {
    const fallback = role === "chat" ? environment["OPENAI_CONFORMANCE_MODEL"] : undefined;
    const id = options.models?.[role] ?? recipe?.models[role] ?? fallback;
    if (id !== undefined) models[role] = id;
  }
  const headers: Record<string, string> = {};
  for (const [name, source] of Object.entries(recipe?.headers ?? {})) {
    Object.assign(headers, checkHeader(name, await readValue(`Header \`${name}\``, source, environment)));
  }
  for (const line of options.headers ?? []) Object.assign(headers, decodeHeaderLine(line));
  const fixtures = { ...recipe?.fixtures, ...options.fixtures };
  return { baseUrl: normaliseBaseUrl(baseUrl), keys, models, fixtures, headers };
}

/** @throws ConfigurationError, without the value: it may be a secret */
function decodeHeaderLine(line: string): Record<string, string> {
  const colon = line.indexOf(":");
  if (colon < 1) throw new ConfigurationError("A header is given as 'Name: value'.");
  return checkHeader(line.slice(0, colon).trim(), line.slice(colon + 1).trim());
}

/** Headers that the suite decides about in each request. */
const OWN_HEADERS: readonly string[] = ["authorization", "content-type", "content-length", "host", "connection"];

/** @throws ConfigurationError, without the value: it may be a secret */
function checkHeader(name: string, value: string): Record<string, string> {
  const lower = name.toLowerCase();
  if (OWN_HEADERS.includes(lower)) {
    const advice = lower === "authorization" ? " Pass the key with --api-key." : "";
    throw new ConfigurationError(`The header ${name} is set by the suite itself.${advice}`);
  }
  try {
    new Headers().set(name, value);
  } catch {
    throw new ConfigurationError(`The header ${JSON.stringify(name)} has a name or a value that HTTP does not allow.`);
  }
  return { [lower]: value };
}

/**
 * `http(s)://host/path` without a trailing slash.
 *
 * @throws ConfigurationError, without repeating what may be a secret
 */
export function normaliseBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new ConfigurationError(
      "The base URL must be an http:// or https:// address, such as http://127.0.0.1:8080/v1.",
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ConfigurationError("The base URL holds credentials, which would end up in reports. Pass them as a key.");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new ConfigurationError("The base URL must have no query and no fragment.");
  }
  return url.href.replace(/\/+$/, "");
}

async function readRecipe(path: string): Promise<Recipe> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new ConfigurationError(`The target file ${path} can't be read: ${String(error)}`);
  });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's own message would quote the text, keys included.
    throw new ConfigurationError(`The target file ${path} is not JSON.`);
  }
  const parsed = recipeSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(`The target file ${path} is wrong:\n${z.prettifyError(parsed.error)}`);
}

/** @param what begins the message of an error */
async function readValue(
  what: string,
  source: KeySource,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  if (typeof source === "string") return source;
  if ("env" in source) {
    const key = environment[source.env];
    if (key === undefined || key === "") throw new ConfigurationError(`${what}: ${source.env} is not set.`);
    return key;
  }
  const [command, ...words] = source.command;
  try {
    const { stdout } = await promisify(execFile)(command, words, { timeout: KEY_COMMAND_TIMEOUT_MS });
    if (stdout.trim() !== "") return stdout.trim();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new ConfigurationError(`${what}: the command ${command} failed (${code}).`, { cause: error });
  }
  throw new ConfigurationError(`${what}: the command ${command} printed nothing.`);
}
