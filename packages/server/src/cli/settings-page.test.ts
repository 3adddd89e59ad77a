import { expect, test } from "vitest";
import { z } from "zod";
import { configSchema } from "../config.ts";
import { listSettings } from "../load-config.ts";
import { renderSettingsPage } from "./settings-page.ts";

const page = renderSettingsPage("/home/ada");
const rows = page.split("\n").filter((line) => line.startsWith("| `"));

test("each setting has a row with its variable and its meaning", () => {
  for (const { path, environmentName, description } of listSettings()) {
    const row = rows.find((line) => line.startsWith(`| \`${path.join(".")}\` |`));
    expect(row).toContain(description.replaceAll("|", String.raw`\|`));
    if (environmentName !== null) expect(row).toContain(`| \`${environmentName}\` |`);
  }
});

/** Every key of every object below it, as another reader of the schema finds them. */
function listKeys(schema: unknown): readonly string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const own =
    "properties" in schema && typeof schema.properties === "object" ? Object.keys(schema.properties ?? {}) : [];
  return [...own, ...Object.values(schema).flatMap(listKeys)];
}

test("each key of a model's entry, of its engines and of its prices has a row that says what it means", () => {
  const keys = new Set(listKeys(z.toJSONSchema(configSchema.shape.models, { io: "output" })));
  expect(keys.size).toBeGreaterThan(25);
  for (const key of keys) {
    const row = rows.find((line) => new RegExp(`^\\| \`(?:\\w+\\.)*${key}\` \\|`).test(line));
    expect(row, key).toMatch(/\| \S[^|]*\S \|$/);
  }
});

test("no cell of a table is empty, and no path of this machine is in the page", () => {
  for (const row of rows) expect(row).not.toMatch(/\| +\|/);
  expect(renderSettingsPage(process.env["HOME"] ?? "/home/ada")).toContain('`"~/.openai-compat"`');
});
