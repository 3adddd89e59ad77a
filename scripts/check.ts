/**
 * Runs every static check, all of them even when one fails, and names the failed ones at the end. It changes nothing.
 */

import { spawnSync } from "node:child_process";
import path from "node:path";

const CHECKS: readonly { readonly title: string; readonly command: string }[] = [
  { title: "format", command: "oxfmt --check" },
  { title: "types", command: "tsc -b" },
  { title: "lint", command: "oxlint --type-aware --deny-warnings" },
  { title: "import arrows", command: "node scripts/check-imports.ts" },
  { title: "openapi.json is what the specification generates", command: "node spec/src/generate.ts --check" },
  { title: "docs/settings.md is what the schema generates", command: "node scripts/settings-page.ts --check" },
  {
    title: "packages/client/API.md is what its docstrings generate",
    command: "node packages/client/reference/generate.ts --check",
  },
  {
    title: "conformance/report.schema.json is what the report's type generates",
    command: "node conformance/src/report-schema.ts --check",
  },
  { title: "dead code and dependencies", command: "knip" },
];

const root = path.dirname(import.meta.dirname);
const failed: string[] = [];
for (const { title, command } of CHECKS) {
  const startedMs = performance.now();
  console.log(`\n── ${title}: ${command}`);
  // A shell finds the package's command on every platform; the commands are the constants above.
  const { status } = spawnSync(command, { cwd: root, shell: true, stdio: "inherit" });
  console.log(`   ${status === 0 ? "ok" : "FAILED"} after ${Math.round(performance.now() - startedMs)} ms`);
  if (status !== 0) failed.push(title);
}
console.log(failed.length === 0 ? `\nAll ${CHECKS.length} checks passed.` : `\nFailed: ${failed.join(", ")}`);
process.exitCode = failed.length === 0 ? 0 : 1;
