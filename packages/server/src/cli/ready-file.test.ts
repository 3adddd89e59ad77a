import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { writeReadyFile } from "./ready-file.ts";

const directory = mkdtempSync(join(tmpdir(), "openai-compat-ready-"));
afterAll(() => rmSync(directory, { recursive: true }));
const recipe = { base_url: "http://a/v1", keys: { full: "f", no_capability: "n", expired: "e" }, models: {} };

test.skipIf(process.platform === "win32")("a link that waits under the temporary name gets nothing", () => {
  const path = join(directory, "ready.json");
  const elsewhere = join(directory, "elsewhere");
  writeFileSync(elsewhere, "", { mode: 0o644 });
  symlinkSync(elsewhere, `${path}.${process.pid}.tmp`);
  writeReadyFile(path, recipe);
  expect(JSON.parse(readFileSync(path, "utf8"))).toEqual(recipe);
  expect(readFileSync(elsewhere, "utf8")).toBe("");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});
