import { mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { parseBaseline } from "./baseline.ts";
import { accountFor, type CheckResult } from "./outcome.ts";
import { sampleCheck } from "./sample-check.fixture.ts";
import { computeUpdate, openBaseline, saveBaseline } from "./update-baseline.ts";

function ended(id: string, overrides: Partial<CheckResult> = {}): CheckResult {
  return { ...accountFor(sampleCheck({ id }), "fail", "expected 1, got 2"), ...overrides };
}

async function writeFolder(source: string | null) {
  const folder = await mkdtemp(join(tmpdir(), "baseline-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "baseline.yaml");
  if (source !== null) await writeFile(file, source);
  return { folder, file };
}

/** @returns the text of the file after a run with these results */
async function update(source: string | null, results: readonly CheckResult[]) {
  const { folder, file } = await writeFolder(source);
  const { baseline, document } = await openBaseline(file);
  const ids = [...results.map(({ check }) => check.id), "chat.unselected"];
  const change = computeUpdate(baseline, {
    results,
    ids,
    today: "2026-11-30",
    failOn: "must",
    redact: (text) => text.replaceAll("sk-secret", "[redacted]"),
  });
  saveBaseline(file, document, change);
  expect(await readdir(folder)).toEqual(["baseline.yaml"]);
  const text = await readFile(file, "utf8");
  expect(parseBaseline(text, file).baseline.entries.size).toBe(change.baseline.entries.size);
  return text;
}

test("a first baseline has an entry for each failure, with what was seen as its reason", async () => {
  const results = [ended("chat.a"), ended("chat.b", { outcome: "pass" }), ended("chat.c", { outcome: "warn" })];
  expect(await update(null, results)).toBe(
    "# Checks that are expected to fail, with the reason: `issue`, `expires` and `flaky` are optional.\n\n" +
      "chat.a:\n  reason: expected 1, got 2\n",
  );
});

test("a server that fails nothing has an empty baseline", async () => {
  expect(await update(null, [ended("chat.a", { outcome: "pass" })])).toContain("{}\n");
});

test("entries that hold keep their reason, issue, date and comments, and others go", async () => {
  const source = `# Our server, 2026

# The old parser
chat.a: # still
  reason: written by hand
  issue: https://example.com/1 # see there
  expires: 2027-01-31
# Gone soon
chat.b: passes now
chat.unselected: not asked
chat.gone: no such check
chat.c: 'short'
`;
  const results = [ended("chat.a"), ended("chat.b", { outcome: "pass" }), ended("chat.c"), ended("chat.d")];
  expect(await update(source, results)).toBe(`# Our server, 2026

# The old parser
chat.a:
  # still
  reason: written by hand
  issue: https://example.com/1 # see there
  expires: 2027-01-31
chat.unselected: not asked
chat.c: 'short'
chat.d:
  reason: expected 1, got 2
`);
});

test.each([
  ["nothing but notes", "# our notes\n", "# our notes\n\n"],
  ["an empty map", "# our notes\n{}\n", "# our notes\n"],
  ["entries that all go", "# our notes\n{ chat.gone: x }\n", "# our notes\n"],
])("a file of %s gets a line for each field, and keeps its comments", async (_, source, kept) => {
  expect(await update(source, [ended("chat.a")])).toBe(`${kept}chat.a:\n  reason: expected 1, got 2\n`);
});

test("a baseline that fits is not touched, however it is written", async () => {
  const source = "{ 'chat.a':   {reason: x} }";
  expect(await update(source, [ended("chat.a")])).toBe(source);
});

test("a check that failed in some tries is written as flaky, and one that now fails in all no longer is", async () => {
  const source = "chat.b:\n  reason: now and then\n  flaky: 1/3\nchat.c: &c\n  reason: the same\n  flaky: 1/3\n";
  const results = [
    ended("chat.a", { tries: { failed: 2, of: 3 } }),
    ended("chat.b", { tries: { failed: 3, of: 3 } }),
    ended("chat.c", { tries: { failed: 2, of: 3 } }),
  ];
  expect(await update(source, results)).toBe(
    "chat.b:\n  reason: now and then\nchat.c:\n  reason: the same\n  flaky: 2/3\nchat.a:\n  reason: expected 1, got 2\n  flaky: 2/3\n",
  );
});

test("an entry that others refer to can go", async () => {
  const text = await update("chat.b: &known slow\nchat.a: *known\n", [
    ended("chat.a"),
    ended("chat.b", { outcome: "pass" }),
  ]);
  expect(text).toBe("chat.a: slow\n");
});

test.each([
  ["a secret", "got sk-secret", "got [redacted]"],
  ["control characters and lines", "got\n\u001b[2J  x\u0000", "got [2J x"],
  ["half of a pair", "got \ud83d", "got \ufffd"],
  ["what YAML reads as something else", "# got: - {x", "# got: - {x"],
  ["nothing", "", "It fails."],
])("a reason with %s is one line that reads back", async (_, reason, read) => {
  const text = await update(null, [ended("chat.a", { reason })]);
  expect(parseBaseline(text, "b").baseline.entries.get("chat.a")?.reason).toBe(read);
});

test("whatever a target sent, the file that is written is read with one entry", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary", maxLength: 400 }), async (reason) => {
      const text = await update(null, [ended("chat.a", { reason })]);
      const [entry, ...others] = parseBaseline(text, "b").baseline.entries.values();
      expect(others).toEqual([]);
      expect(entry?.reason).not.toMatch(/[\p{Cc}\p{Surrogate}]/u);
    }),
    { numRuns: 50 },
  );
});

test("a long reason is cut", async () => {
  const text = await update(null, [ended("chat.a", { reason: "x".repeat(5000) })]);
  expect(parseBaseline(text, "b").baseline.entries.get("chat.a")?.reason).toHaveLength(301);
});

test("a link stays a link, and the mode of the file stays", async () => {
  const { folder, file } = await writeFolder("{}\n");
  const link = join(folder, "link.yaml");
  await symlink(file, link);
  const { document } = await openBaseline(link);
  const { mode } = await stat(file);
  const entry = { id: "chat.a", reason: "r", issue: null, expires: null, flaky: null, line: null };
  saveBaseline(link, document, { written: [entry], removed: [], baseline: { file: link, entries: new Map() } });
  expect(await readFile(file, "utf8")).toContain("chat.a");
  expect((await stat(file)).mode).toBe(mode);
  expect((await readdir(folder)).toSorted()).toEqual(["baseline.yaml", "link.yaml"]);
});

test("a folder that is not there is said before a run", async () => {
  await expect(openBaseline("/absent/baseline.yaml")).rejects.toThrow("can't be written");
});

test("a file that is wrong is not replaced", async () => {
  const { file } = await writeFolder("- a list\n");
  await expect(openBaseline(file)).rejects.toThrow("must map ids");
  expect(await readFile(file, "utf8")).toBe("- a list\n");
});
