/**
 * Writes `spec/openapi.json` from the operations. With `--check` it writes nothing and exits 1 when the file is not
 * what the operations say.
 */
import { readFile, writeFile } from "node:fs/promises";
import { buildDocument, encodeDocument } from "./document.ts";

const target = new URL("../openapi.json", import.meta.url);
const generated = encodeDocument(buildDocument());

if (process.argv.includes("--check")) {
  const committed = await readFile(target, "utf8").catch(() => null);
  if (committed !== generated) {
    console.error("spec/openapi.json is out of date. Run `node spec/src/generate.ts` and commit the result.");
    process.exitCode = 1;
  }
} else {
  await writeFile(target, generated);
}
