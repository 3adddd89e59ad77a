/**
 * Reads a JSON report that this or another version of the suite wrote, on another machine perhaps: bounded, and with a
 * message for each kind of file that is none. It reads what `replay` and `compare` need and ignores the rest.
 */

import { z } from "zod";
import { OUTCOMES } from "./outcome.ts";
import { readTextFile } from "./read-text-file.ts";
import { ConfigurationError } from "./resolve-target.ts";
import { MODEL_ROLES, type Target } from "./target.ts";

/** A report of a server that fails everything has about 20 MB. */
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const CHECKS_MAX = 100_000;
const SCHEMA_VERSION = 1;

const checkSchema = z.object({
  id: z.string().min(1).max(200),
  level: z.enum(["must", "should", "may"]),
  outcome: z.enum(OUTCOMES),
  reason: z.string(),
});

const reportSchema = z.object({
  suite: z.object({
    version: z.string(),
    profile: z.string(),
    sdk_version: z.string(),
    spec_sha256: z.string().nullable(),
  }),
  target: z.object({ base_url: z.string(), models: z.record(z.string(), z.string()) }),
  verdict: z.enum(["conformant", "non-conformant", "unproved", "harness-error"]),
  ending: z.string().default("complete"),
  checks: z.array(checkSchema).max(CHECKS_MAX),
});

export type ReadCheck = z.infer<typeof checkSchema>;

export interface ReadReport {
  /** Its path, as given. */
  readonly file: string;
  readonly suite: z.infer<typeof reportSchema>["suite"];
  readonly baseUrl: string;
  readonly models: Target["models"];
  readonly verdict: z.infer<typeof reportSchema>["verdict"];
  /** `complete`, or why checks were left. */
  readonly ending: string;
  /** By id, in the order of the report. */
  readonly checks: ReadonlyMap<string, ReadCheck>;
}

/** @throws ConfigurationError that says what the file is instead */
export async function readReport(file: string): Promise<ReadReport> {
  return decodeReport(await readTextFile(file, { what: "report", bytesMax: FILE_BYTES_MAX }), file);
}

/** @param file its name in messages. @throws ConfigurationError that says what the text is instead */
export function decodeReport(text: string, file: string): ReadReport {
  const json = parseJson(text, file);
  const version = z.object({ schema_version: z.unknown(), checks: z.unknown() }).safeParse(json);
  if (!version.success || version.data.schema_version === undefined) {
    throw new ConfigurationError(`${file} is JSON, but no report of this suite: --reporter json:FILE writes one.`);
  }
  if (version.data.schema_version !== SCHEMA_VERSION) {
    const found = JSON.stringify(version.data.schema_version).slice(0, VALUE_LENGTH_MAX);
    throw new ConfigurationError(
      `${file} has schema_version ${found}, and this suite reads ${SCHEMA_VERSION}: use the version of the suite that wrote it.`,
    );
  }
  const parsed = reportSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const place = (issue?.path ?? []).join(".").slice(0, VALUE_LENGTH_MAX);
    throw new ConfigurationError(`The report ${file} is wrong at ${place}: ${issue?.message ?? "unknown"}`);
  }
  const { suite, target, verdict, ending, checks } = parsed.data;
  const byId = new Map(checks.map((check) => [check.id, check]));
  if (byId.size < checks.length) {
    const twice = checks.find((check) => byId.get(check.id) !== check)?.id ?? "";
    throw new ConfigurationError(`The report ${file} has the check ${JSON.stringify(twice)} more than once.`);
  }
  return { file, suite, baseUrl: target.base_url, models: selectModels(target.models), verdict, ending, checks: byId };
}

const VALUE_LENGTH_MAX = 60;

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (text.trim() === "") throw new ConfigurationError(`The report ${file} is empty.`, { cause: error });
    const kind = /^\s*[{[]/.test(text)
      ? "broken JSON. Was it cut off?"
      : "no JSON: --reporter json:FILE writes a report.";
    throw new ConfigurationError(`The report ${file} is ${kind}`, { cause: error });
  }
}

/** Roles of a later version are nothing to this one. */
function selectModels(models: Readonly<Record<string, string>>): Target["models"] {
  return Object.fromEntries(MODEL_ROLES.flatMap((role) => (Object.hasOwn(models, role) ? [[role, models[role]]] : [])));
}
