import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { configSchema } from "../config.ts";
import type { ConfigInput } from "../config.ts";
import { findLooseFiles } from "./loose-files.ts";

const SECRET = "Zq3v8Kx1Lw0Rt5Yb7Nc2Md9Pf4Gh6JsA";
const ROOT = 0;

function createHome() {
  const home = mkdtempSync(join(tmpdir(), "openai-compat-loose-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const data = join(home, "data");
  mkdirSync(data, { mode: 0o700 });
  for (const name of ["jwt-secret", "keys.sqlite", "keys.sqlite-wal"])
    writeFileSync(join(data, name), "", { mode: 0o600 });
  const config = join(home, "config.json");
  writeFileSync(config, "{}", { mode: 0o600 });
  return { home, data, config };
}

const find = (config: ConfigInput, file: string | null = null) =>
  findLooseFiles(configSchema.parse(config), file).map(({ message }) => message);

test("an installation as the program makes it has nothing loose", () => {
  const { data, config } = createHome();
  expect(find({ dataDirectory: data, auth: { jwtSecret: SECRET } }, config)).toEqual([]);
});

test.each([
  ["jwt-secret", 0o640, "others may read"],
  ["jwt-secret", 0o666, "others may read and change"],
  ["keys.sqlite", 0o604, "others may read"],
  ["keys.sqlite-wal", 0o602, "others may read and change"],
  [".", 0o750, "others may enter"],
  [".", 0o777, "others may enter and change"],
])("%s with mode %o is named with what to type", (name, mode, problem) => {
  const { data } = createHome();
  chmodSync(join(data, name), mode);
  const path = join(data, name);
  const remedy = name === "." ? `chmod 700 ${path}` : `chmod 600 ${path}`;
  expect(find({ dataDirectory: data })).toEqual([`${problem} ${path}: ${remedy}`]);
});

test("a directory above in which others may write is named, unless only owners can replace files in it", () => {
  const { home, data, config } = createHome();
  chmodSync(home, 0o777);
  const message = `others may replace ${data}, because they may write in ${home}: chmod go-w ${home}`;
  expect(find({ dataDirectory: data })).toEqual([message]);
  expect(find({ dataDirectory: join(home, "not yet there") })).toHaveLength(1);
  expect(find({ store: "memory" }, config)).toHaveLength(1);
  chmodSync(home, 0o1777);
  expect(find({ dataDirectory: data }, config)).toEqual([]);
});

test("a link doesn't hide where a file really is", () => {
  const { home, data } = createHome();
  const { home: other } = createHome();
  chmodSync(home, 0o770);
  symlinkSync(data, join(other, "link"));
  expect(find({ dataDirectory: join(other, "link") })).toEqual([expect.stringContaining(`they may write in ${home}:`)]);
});

test("a configuration file that others may read is named when it holds a secret, one that they may change always", () => {
  const { config } = createHome();
  chmodSync(config, 0o644);
  expect(find({ store: "memory" }, config)).toEqual([]);
  for (const secrets of [
    { auth: { jwtSecret: SECRET } },
    { operations: { metricsToken: SECRET } },
    { postgres: { url: "postgres://ada:secret@db/x" } },
    {
      models: [
        { id: "far", engine: { kind: "upstream" as const, baseUrls: ["https://far.example/v1"], apiKey: "sk-secret" } },
      ],
    },
  ]) {
    expect(find({ store: "memory", ...secrets }, config)).toEqual([`others may read ${config}: chmod 600 ${config}`]);
  }
  chmodSync(config, 0o646);
  expect(find({ store: "memory" }, config)).toEqual([`others may read and change ${config}: chmod 600 ${config}`]);
});

test.skipIf(process.getuid?.() !== ROOT)(
  "what belongs to another user is named (tried as the administrator only)",
  () => {
    const { home, data } = createHome();
    chownSync(join(data, "jwt-secret"), 12_345, 12_345);
    expect(find({ dataDirectory: data })).toEqual([
      expect.stringMatching(/jwt-secret belongs to another user: sudo chown/),
    ]);
    chownSync(join(data, "jwt-secret"), ROOT, ROOT);
    chownSync(home, 12_345, 12_345);
    expect(find({ dataDirectory: data })).toEqual([
      expect.stringContaining(`the owner of ${home} can replace ${data}`),
    ]);
  },
);

test("with a store in memory the data directory is of no concern", () => {
  const { data } = createHome();
  chmodSync(data, 0o777);
  expect(find({ dataDirectory: data, store: "memory" })).toEqual([]);
});
