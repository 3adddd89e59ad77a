import { spawnSync } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { decodeReporterChoice } from "./reporters/create-reporter.ts";

const actionSchema = z.object({
  inputs: z.record(z.string(), z.object({ default: z.string() })),
  runs: z.object({
    steps: z.array(z.object({ run: z.string().optional(), env: z.record(z.string(), z.string()).optional() })),
  }),
});

const file = new URL("../../.github/actions/conformance/action.yml", import.meta.url);
const { inputs, runs } = actionSchema.parse(parse(await readFile(file, "utf8")));
const [{ run = "", env = {} } = {}] = runs.steps;

/** Runs the action's script with a program in the place of `npx` that prints what it is called with. */
async function runAction(given: Readonly<Record<string, string>>) {
  const folder = await mkdtemp(path.join(tmpdir(), "action-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const npx = path.join(folder, "npx");
  await writeFile(npx, '#!/usr/bin/env bash\nprintf "%s\\n" "$@"\nprintf "key %s" "$OPENAI_API_KEY"\nexit 3\n');
  await chmod(npx, 0o755);
  const values = Object.entries(env).map(([variable, expression]) => {
    const [, name = ""] = /^\$\{\{ inputs\.([\w-]+) \}\}$/.exec(expression) ?? [];
    return [variable, given[name] ?? inputs[name]?.default ?? "unknown"];
  });
  const { stdout, status } = spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", run], {
    cwd: folder,
    encoding: "utf8",
    env: { PATH: `${folder}:${process.env["PATH"] ?? ""}`, ...Object.fromEntries(values) },
  });
  return { words: stdout.trimEnd().split("\n"), status };
}

test.skipIf(process.platform === "win32")(
  "the action passes its inputs on, as they are, and ends as the suite does",
  async () => {
    const { words, status } = await runAction({
      "base-url": "http://127.0.0.1:1/v1",
      "api-key": "sk-1",
      model: "$(touch x); a model",
      only: "chat.* models",
      profile: "core-2026-11",
      baseline: "a folder/baseline.yaml",
      "report-only": "true",
    });
    expect(status).toBe(3);
    expect(words.slice(0, 5)).toEqual(["-y", "@openai-compat/conformance@latest", "run", "--fail-on", "must"]);
    expect(words.join("|")).toContain(
      "--base-url|http://127.0.0.1:1/v1|--model|$(touch x); a model|--profile|core-2026-11|--baseline|a folder/baseline.yaml|--report-only|--only|chat.*|--only|models",
    );
    expect(words.at(-1)).toBe("key sk-1");
    const reporters = words.filter((_, index) => words[index - 1] === "--reporter");
    expect(reporters.map((text) => decodeReporterChoice(text).name)).toEqual([
      "pretty",
      "github",
      "json",
      "html",
      "sarif",
      "junit",
      "badge",
    ]);
  },
);

test("no input is part of the script's text, and every input is used", () => {
  expect(run).not.toContain("${{");
  for (const name of Object.keys(inputs)) expect(Object.values(env)).toContain(`\${{ inputs.${name} }}`);
});
