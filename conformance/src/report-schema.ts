/**
 * Writes `report.schema.json`, the JSON Schema of `report.json`, from its zod type. With `--check` it writes nothing and
 * exits 1 when the file is another.
 */

import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { jsonReportSchema } from "./report.ts";

const target = new URL("../report.schema.json", import.meta.url);
const schema = z.toJSONSchema(jsonReportSchema);

if (process.argv.includes("--check")) {
  const committed: unknown = JSON.parse(await readFile(target, "utf8"));
  // How it is laid out is the formatter's concern.
  if (JSON.stringify(committed) !== JSON.stringify(schema)) {
    console.error(
      "report.schema.json is out of date. Run `node conformance/src/report-schema.ts` and commit the result.",
    );
    process.exitCode = 1;
  }
} else {
  await writeFile(target, `${JSON.stringify(schema, null, 2)}\n`);
  spawnSync(`oxfmt ${fileURLToPath(target)}`, { shell: true, stdio: "inherit" });
}
