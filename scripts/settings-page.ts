/**
 * Writes docs/settings.md, the page of all settings, from the schema of the configuration; `--check` says whether it is
 * what the schema makes and changes nothing.
 */

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const root = path.dirname(import.meta.dirname);
const file = path.join(root, "docs/settings.md");
const page = execFileSync(
  process.execPath,
  [path.join(root, "packages/server/src/main.ts"), "settings", "--markdown"],
  {
    encoding: "utf8",
  },
);

if (!process.argv.includes("--check")) writeFileSync(file, page);
else if (readFileSync(file, "utf8").replaceAll("\r\n", "\n") !== page) {
  console.error("docs/settings.md is not what the schema makes: run npx -y pnpm@12 exec node scripts/settings-page.ts");
  process.exitCode = 1;
}
