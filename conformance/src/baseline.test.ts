import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { type BaselineEntry, parseBaseline, readBaseline } from "./baseline.ts";
import { ConfigurationError } from "./resolve-target.ts";

const read = (source: string): readonly BaselineEntry[] => [
  ...parseBaseline(source, "b.yaml").baseline.entries.values(),
];

function refusal(source: string): string {
  try {
    read(source);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.message;
    throw error;
  }
  return "accepted";
}

test("an entry is a reason alone, or a reason with issue, expiry and flakiness", () => {
  const source = `# known
chat.stop: our tokenizer # why
models.list.shape:
  reason: "no: data"
  issue: 4711
  expires: 2027-02-28
  flaky: 2/3
`;
  expect(read(source)).toEqual([
    { id: "chat.stop", reason: "our tokenizer", issue: null, expires: null, flaky: null, line: 2 },
    {
      id: "models.list.shape",
      reason: "no: data",
      issue: "4711",
      expires: "2027-02-28",
      flaky: { failed: 2, of: 3 },
      line: 3,
    },
  ]);
});

test.each([
  ["an empty file", ""],
  ["comments alone", "# nothing fails\n"],
  ["an empty document", "---\n"],
  ["an empty map", "{}\n"],
  ["a byte order mark", "\ufeff"],
])("%s is a baseline without entries", (_, source) => {
  expect(read(source)).toEqual([]);
});

test.each([
  ["a value that reads like another type", "a.b: yes\n", "yes"],
  ["a number", "a.b: 0755\n", "0755"],
  ["text over several lines", "a.b: >\n  one\n  two\n", "one two"],
  ["an anchor", "a.a: &known slow\na.b: *known\n", "slow"],
  ["an entry that another one has", "a.a: &e {reason: slow}\na.b: *e\n", "slow"],
  ["a reason that another one has", "a.a: {reason: &r slow}\na.b: {reason: *r}\n", "slow"],
  ["JSON", '{"a.b": {"reason": "slow"}}', "slow"],
  ["lines of Windows", "a.b:\r\n  reason: slow\r\n", "slow"],
])("%s is a reason as it is written", (_, source, reason) => {
  expect(read(source).at(-1)).toMatchObject({ id: "a.b", reason });
});

test.each([
  ["a list", "- a.b\n", "b.yaml:1:1: must map ids of checks to reasons"],
  ["a word", "a.b\n", "b.yaml:1:1: must map ids"],
  ["a tab", "a.b:\n\treason: x\n", "b.yaml:2:1: is no YAML: Tabs are not allowed"],
  ["two documents", "a.b: x\n---\na.c: x\n", "b.yaml:2:1: is no YAML: Source contains multiple documents"],
  ["an open quote", 'a.b: "x\n', "is no YAML: Missing closing"],
  ["a tag", "a.b: !!js/function x\n", "b.yaml:1:6: is no YAML: Unresolved tag"],
  ["an unknown alias", "a.b: *x\n", 'b.yaml:1:1: "a.b": must be a reason, or the fields of an entry'],
  ["a duplicate", "a.b: x\na.c: x\na.b: y\n", 'b.yaml:3:1: "a.b" is there twice: also in line 1'],
  ["a duplicate field", "a.b:\n  reason: x\n  reason: y\n", 'b.yaml:3:3: the field "reason" is there twice'],
  ["a pattern", "a.b: x\nchat.*: x\n", 'b.yaml:2:1: "chat.*" is no id of a check: a pattern would hide new failures'],
  ["a sentence", "it fails: x\n", 'b.yaml:1:1: "it fails" is no id of a check'],
  ["a merge key", "a.b: &e {reason: x}\n<<: *e\n", 'b.yaml:2:1: "<<" is no id of a check'],
  ["a key that is a map", "? {a.b: x}\n: y\n", "a key must be plain text"],
  ["no reason", "a.b:\n", 'b.yaml:1:1: "a.b": `reason` is empty'],
  ["no reason beside other fields", "a.b:\n  issue: 3\n", "`reason` is missing: say why the check is expected to fail"],
  ["an empty reason", 'a.b: "  "\n', "`reason` is empty"],
  ["a list of reasons", "a.b: [x]\n", "must be a reason, or the fields of an entry"],
  [
    "an unknown field",
    "a.b:\n  reason: x\n  why: y\n",
    'b.yaml:3:3: "a.b": "why" is no field of an entry, which has reason, issue, expires',
  ],
  [
    "a date that is none",
    "a.b:\n  reason: x\n  expires: 2027-02-29\n",
    'b.yaml:3:3: "a.b": `expires` must be a date, YYYY-MM-DD',
  ],
  ["a date in another order", "a.b: {reason: x, expires: 28.2.2027}\n", "`expires` must be a date, YYYY-MM-DD"],
  ["a date with a time", "a.b: {reason: x, expires: 2027-02-28T10:00:00Z}\n", "`expires` must be a date"],
  ["flakiness as a word", "a.b: {reason: x, flaky: true}\n", "`flaky` must be two numbers, such as 1/3"],
  ["no failed try", "a.b: {reason: x, flaky: 0/3}\n", "`flaky` must be two numbers"],
  ["all tries", "a.b: {reason: x, flaky: 3/3}\n", "`flaky` must have fewer failed tries than tries"],
  ["brackets without end", "[".repeat(500_000), "is nested too deeply"],
  ["lists in lists", `a.b: x\n${"- ".repeat(300_000)}x`, "b.yaml:2:33: is nested too deeply"],
])("%s is refused with its line and what is wrong", (_, source, message) => {
  expect(refusal(source)).toContain(message);
});

test.each(["chat", "no-such-check", "Chat.Stop", "__proto__", "constructor"])(
  "%s may be the id of a check: whether it is one depends on the suite",
  (id) => {
    expect(read(`${id}: x\n`)).toMatchObject([{ id, reason: "x" }]);
  },
);

test("everything that is wrong is said at once, up to ten of it", () => {
  const message = refusal(Array.from({ length: 12 }, (_, index) => `bad.${index}*: x\n`).join(""));
  expect(message.split("\n")).toHaveLength(12);
  expect(message).toContain("  and 2 more");
});

/** What begins, ends or nests something in YAML. */
const PIECES = [
  ..."[]{}:,-?|>&*!%#@`'\"~ \t\n\r".split(""),
  "---\n",
  "...\n",
  "a.b: ",
  "a.c:\n  ",
  "reason: x\n",
  "&a ",
  "*a ",
  "<<: ",
  "%YAML 1.1\n",
  "%TAG ! x\n",
  "!!map ",
  "!<x> ",
  "\ufeff",
  "\u0000",
  "\u2028",
  "|2-\n",
  ">+\n",
  '"\\x4',
  "'it''s'",
  "0x1f",
  "2027-01-31",
  "? ",
  "- ",
];

test("whatever a file holds, it is read or refused in a few lines", () => {
  const source = fc.oneof(
    fc.array(fc.constantFrom(...PIECES), { maxLength: 40 }).map((pieces) => pieces.join("")),
    fc.string({ unit: "binary" }),
  );
  fc.assert(
    fc.property(source, (text) => {
      const message = refusal(text);
      expect(message.split("\n").length).toBeLessThan(15);
      expect(message.length).toBeLessThan(4000);
    }),
    { numRuns: 3000 },
  );
});

test("a file of many aliases is read in linear time", () => {
  const source = `a.a: &a xxxxxxxxxx\n${Array.from({ length: 30_000 }, (_, index) => `b.n${index}: *a\n`).join("")}`;
  expect(read(source)).toHaveLength(30_001);
});

test("a file of many entries is read in linear time", () => {
  const source = Array.from({ length: 40_000 }, (_, index) => `a.n${index}: x\n`).join("");
  expect(read(source)).toHaveLength(40_000);
});

test("a file that is absent, too large, or no text is refused by name", async () => {
  const folder = await mkdtemp(join(tmpdir(), "baseline-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const [large, binary, absent] = ["large", "binary", "absent"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeFile(large, "a.b: x\n".repeat(1_500_000));
  await writeFile(binary, new Uint8Array([0xff, 0xfe, 0x00]));
  await expect(readBaseline(large)).rejects.toThrow(`${large} has more than 1048576 bytes`);
  await expect(readBaseline(binary)).rejects.toThrow(`${binary} is not UTF-8 text`);
  await expect(readBaseline(absent)).rejects.toThrow(/absent can't be read: .*ENOENT.*--update-baseline writes one/);
  await expect(readBaseline(folder)).rejects.toThrow("can't be read");
});
