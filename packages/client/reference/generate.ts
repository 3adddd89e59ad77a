/**
 * Writes API.md, the reference of the client, from the declarations that `tsc -b` has made; `--check` says whether it is
 * what the docstrings and the specification make, and whether its links and those of the README lead somewhere.
 */

import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { findDeadLinks } from "./dead-links.ts";
import { printReference } from "./print-reference.ts";
import { readExports } from "./read-exports.ts";

const folder = path.dirname(import.meta.dirname);
const file = path.join(folder, "API.md");
const page = printReference(readExports(path.join(folder, "node_modules/.tsc/src/index.d.ts")));

if (!process.argv.includes("--check")) writeFileSync(file, page);
const problems = ["README.md", "API.md"].flatMap((name) =>
  findDeadLinks(path.join(folder, name)).map((target) => `${name} links to ${target}, which is not there`),
);
if (readFileSync(file, "utf8").replaceAll("\r\n", "\n") !== page) {
  problems.push(
    "API.md is not what the docstrings make: run npx -y pnpm@12 exec node packages/client/reference/generate.ts",
  );
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
