/**
 * A command that is printed or documented has to be one that runs our code: its name must not be free for others to
 * register.
 */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";

const root = path.dirname(import.meta.dirname);
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => /\.(?:md|ts|json|ya?ml|sh)$|^\.ci\//.test(file) && !/pnpm-lock|command-names/.test(file));

/** `npx` with a package that is not ours: npm would fetch whatever lies under that name. */
const FOREIGN = /\bnpx (?:-\S+ )*openai-(?:compat|conformance)\b/;
/** A sentence that advises running our executable by name, which is on no search path. */
const BARE =
  /(?:`|: |\n)openai-(?:compat|conformance) (?:keys|doctor|models|credits|settings|token|serve|list|explain|--)/;

function findLines(pattern: RegExp, ofFiles: readonly string[]): readonly string[] {
  return ofFiles.flatMap((file) => {
    const lines = readFileSync(path.join(root, file), "utf8").split("\n");
    return lines.flatMap((line, index) => (pattern.test(`\n${line}`) ? [`${file}:${index + 1}: ${line.trim()}`] : []));
  });
}

test("nothing names an npm package that is not ours", () => {
  expect(files.length).toBeGreaterThan(300);
  expect(findLines(FOREIGN, files)).toEqual([]);
});

test("no page and no message advises a command that is not on the path", () => {
  const shown = files.filter((file) => !/\.test\.ts$|^\.changeset\/|CHANGELOG/.test(file));
  // The first line of a module names its command in prose.
  expect(findLines(BARE, shown).filter((line) => !/:1: \/\*\*| \* /.test(line))).toEqual([]);
});
