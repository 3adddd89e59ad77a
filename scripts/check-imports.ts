/**
 * Fails on every import that goes against the arrows of ARCHITECTURE.md, and says where, which rule and why.
 */

import { globSync, readFileSync } from "node:fs";
import path from "node:path";
import { judgeImport } from "./import-rules.ts";
import { readImports } from "./read-imports.ts";

const root = process.argv[2] ?? path.dirname(import.meta.dirname);
const files = globSync("{spec,conformance,packages,scripts}/**/*.{ts,mts,js,mjs}", {
  cwd: root,
  exclude: (name) => name === "node_modules" || name === "dist" || /\/(?:node_modules|dist)(?:\/|$)/.test(name),
}).map((file) => file.replaceAll("\\", "/"));

let imports = 0;
let violations = 0;
for (const file of files.toSorted()) {
  for (const site of readImports(file, readFileSync(path.join(root, file), "utf8"))) {
    imports += 1;
    const problem = judgeImport(file, site);
    if (problem === null) continue;
    violations += 1;
    console.error(`${file}:${site.line} imports ${site.specifier ?? "a computed value"}\n  ${problem}`);
  }
}
if (files.length === 0) console.error(`No source file below ${root}: nothing was checked.`);
console.log(`${violations} forbidden of ${imports} imports in ${files.length} files`);
process.exitCode = violations > 0 || files.length === 0 ? 1 : 0;
