import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const PACKAGES = join(import.meta.dirname, "..", "..");
/** It runs the server in the console that it was started in. */
const LAUNCHED_SERVER = "spawn(executable, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {";

test("on Windows, no process of the server opens a window", () => {
  const files = ["engines", "server"].flatMap((name) =>
    readdirSync(join(PACKAGES, name, "src"), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|(?:^|[/\\])testing[/\\]/.test(file))
      .map((file) => join(PACKAGES, name, "src", file)),
  );
  const starts = files.flatMap((file) => {
    const text = readFileSync(file, "utf8");
    if (!text.includes('from "node:child_process"')) return [];
    const calls = text.matchAll(/\b(?:spawn|spawnSync|fork|execFile|exec)\)?\([^)](?:(?!\n\n)[^])*/g);
    return [...calls].map(([call]) => ({ file, call }));
  });
  expect(starts.length).toBeGreaterThan(6);
  const shown = starts.filter(({ call }) => !call.includes("windowsHide: true") && !call.startsWith(LAUNCHED_SERVER));
  expect(shown).toEqual([]);
});
