/** The page of all settings, in Markdown, made from the schema alone: what it says of a setting is what is read. */

import { z } from "zod";
import { configSchema } from "../config.ts";
import { listSettings } from "../load-config.ts";
import type { Setting } from "../load-config.ts";
import { describeSchema, findSchema, readLiteral, unwrapSchema } from "../config-schema.ts";

type Schema = z.core.$ZodType;

/** @param home the home directory, which the page names `~`. */
export function renderSettingsPage(home: string): string {
  const settings = listSettings();
  const groups = [...new Set(settings.map(({ path }) => (path.length === 1 ? "" : (path[0] ?? ""))))];
  const sections = groups.map((group) => {
    const own = settings.filter(({ path }) =>
      group === "" ? path.length === 1 : path.length > 1 && path[0] === group,
    );
    return `## ${group === "" ? "General" : `\`${group}\``}\n\n${renderSettings(own, home)}`;
  });
  return [INTRODUCTION, ...sections, renderModels()].join("\n\n");
}

const INTRODUCTION = `# Settings of the server

Generated from the schema (\`node scripts/settings-page.ts\`); the same text is printed by the command \`settings --markdown\`.

A setting comes from the first of these that has it:

1. a flag of the command line,
2. its environment variable,
3. the JSON file that \`--config\` or \`OPENAI_COMPAT_CONFIG\` names, where \`limits.bodyBytesMax\` is \`{ "limits": { "bodyBytesMax": … } }\`,
4. the default.

A relative path starts at the folder of the file that it stands in, else at the working directory; \`~\` is the home directory. Unknown
settings are errors, unknown \`OPENAI_COMPAT_…\` variables warnings. Variables of other parts: \`OPENAI_COMPAT_CACHE\` (folder of downloaded
models), \`OPENAI_COMPAT_HUB_URL\` (mirror of the model hub), \`NO_COLOR\`.`;

function renderSettings(settings: readonly Setting[], home: string): string {
  const rows = settings.map(({ path, environmentName, description, defaultValue }) => {
    const schema = findSchema(configSchema, path, {});
    const type = schema === null ? "" : describeType(schema);
    const shown = code(JSON.stringify(defaultValue).replaceAll(JSON.stringify(home).slice(1, -1), "~"));
    return [code(path.join(".")), type, shown, environmentName === null ? "–" : code(environmentName), description];
  });
  return renderTable(["setting", "value", "default", "environment variable", "meaning"], rows);
}

function renderModels(): string {
  const models = unwrapSchema(configSchema.shape.models);
  const entry = models instanceof z.ZodArray ? unwrapSchema(models.def.element) : models;
  const engine = findSchema(entry, ["engine"], {});
  const kinds = engine instanceof z.ZodDiscriminatedUnion ? engine.def.options : [];
  return [
    "## An entry of `models`",
    "A model of the catalogue or a GGUF file is named by a text: its id, or its path. Everything else is an object:",
    renderKeys(entry),
    "Prices are whole micro-credits, millionths of a credit: 0.15 credits are 150000. Where one is missing, that of `prices` above counts.",
    ...kinds.flatMap((kind) => [
      `### \`engine\` of the kind \`${String(readLiteral(kind, "kind"))}\``,
      renderKeys(kind),
    ]),
  ].join("\n\n");
}

function renderKeys(object: Schema): string {
  return renderTable(["key", "value", "default", "meaning"], listRows(object, ""));
}

/** Of an object in the object, the keys follow with a dot. */
function listRows(object: Schema, prefix: string): readonly (readonly string[])[] {
  const inner = unwrapSchema(object);
  const members = inner instanceof z.ZodObject ? Object.entries(inner.shape) : [];
  return members.flatMap(([key, schema]) => [
    [code(`${prefix}${key}`), describeType(schema), describeDefault(schema), describeSchema(schema)],
    ...listRows(schema, `${prefix}${key}.`),
  ]);
}

function describeDefault(schema: Schema): string {
  if (schema instanceof z.ZodDefault) return code(JSON.stringify(schema.def.defaultValue));
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault ? "–" : "required";
}

function describeType(schema: Schema): string {
  const nullable = schema instanceof z.ZodDefault ? schema.def.innerType : schema;
  const type = describeInner(unwrapSchema(schema));
  return nullable instanceof z.ZodNullable ? `${type} or \`null\`` : type;
}

function describeInner(schema: Schema): string {
  if (schema instanceof z.ZodEnum) return schema.options.map((option) => code(JSON.stringify(option))).join(" ");
  if (schema instanceof z.ZodLiteral) return code(JSON.stringify(schema.value));
  if (schema instanceof z.ZodBoolean) return "`true` `false`";
  if (schema instanceof z.ZodNumber) return describeRange(schema);
  if (schema instanceof z.ZodArray) return "list";
  return schema instanceof z.ZodString || schema instanceof z.ZodURL ? "text" : "object";
}

function describeRange({ minValue, maxValue }: z.ZodNumber): string {
  const least = minValue ?? 0;
  return maxValue === null || maxValue >= Number.MAX_SAFE_INTEGER
    ? `number from ${least}`
    : `number ${least}–${maxValue}`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function renderTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map(() => "---"), ...rows];
  return lines.map((row) => `| ${row.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |`).join("\n");
}
