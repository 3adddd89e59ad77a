import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import type { RunReport } from "../report.ts";
import { sampleReport } from "../sample-report.fixture.ts";
import { createReporter } from "./create-reporter.ts";
import { encodeAnnotations } from "./github.ts";
import { hostileReport } from "./hostile-report.fixture.ts";

/** What the runner of GitHub Actions takes for commands in what a step prints: `ActionCommand.cs`. */
function readCommands(text: string): { command: string; title: string; message: string }[] {
  const found: { command: string; title: string; message: string }[] = [];
  let stopToken: string | null = null;
  const decode = (data: string): string =>
    data
      .replaceAll("%3A", ":")
      .replaceAll("%2C", ",")
      .replaceAll("%0D", "\r")
      .replaceAll("%0A", "\n")
      .replaceAll("%25", "%");
  for (const line of text.split(/\r\n|\r|\n/)) {
    const [, command = "", properties = "", data = ""] = /^\s*::([\w-]+)(?: (.*?))?::(.*)$/s.exec(line) ?? [];
    const [, old = ""] = /##\[([\w-]+)/.exec(line) ?? [];
    if (stopToken !== null) {
      if (command === stopToken) stopToken = null;
      continue;
    }
    if (command === "stop-commands") stopToken = data;
    else if (command !== "")
      found.push({ command, title: decode(properties.replace("title=", "")), message: decode(data) });
    else if (old !== "") found.push({ command: old, title: "", message: line });
  }
  return found;
}

test("a failed must is an error, a should a warning, and the verdict comes first", () => {
  const commands = readCommands(encodeAnnotations(sampleReport));
  expect(commands.map(({ command, title }) => [command, title])).toEqual([
    ["error", "Conformance: not conformant"],
    ["error", "chat.sample.fail (must)"],
    ["warning", "chat.sample.warn (should)"],
  ]);
  expect(commands[1]?.message).toContain("expected: status 200\ngot: status 500 \\u001b[2J\nreference: RFC 9110");
});

test("no more annotations than GitHub shows, and the rest is counted", () => {
  const sample = sampleReport.checks.find(({ outcome }) => outcome === "fail");
  if (sample === undefined) throw new Error("the sample has no fail");
  const checks = Array.from({ length: 30 }, (_, index) => ({
    ...sample,
    id: `chat.x-${index}`,
    actual: `got ${index}`,
  }));
  const commands = readCommands(encodeAnnotations({ ...sampleReport, checks }));
  expect(commands).toHaveLength(10);
  expect(commands[0]?.message).toContain("21 more causes");
});

function report(
  reporters: readonly ("pretty" | "github")[],
  given: RunReport,
  summaryFile: string | null = null,
): string {
  let text = "";
  const terminal = { isTerminal: false, write: (more: string) => void (text += more) };
  const choices = reporters.map((name) => ({ name, file: null, isNamed: false }));
  const reporter = createReporter(choices, { terminal, colour: false, summaryFile });
  const { suite, target, checks } = given;
  const notes = checks.map(({ reason }) => reason);
  reporter.handle({ type: "run-start", suite, target, planned: checks.length, areas: [], notes });
  for (const check of checks) reporter.handle({ type: "check-end", check });
  reporter.handle({ type: "run-end", report: given });
  return text;
}

test.each([[["pretty", "github"] as const], [["github", "pretty"] as const]])(
  "no text of a target is a command, also where %j print it",
  (reporters) => {
    fc.assert(
      fc.property(hostileReport, (given) => {
        const commands = readCommands(report(reporters, given));
        expect(commands.map(({ command, title }) => [command, title])).toEqual([
          ["error", "Conformance: not conformant"],
          ["error", "chat.sample.fail (must)"],
          ["warning", "chat.sample.warn (should)"],
        ]);
      }),
    );
  },
);

test("the job's summary gets the Markdown report after what is there already", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "summary-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = path.join(folder, "summary.md");
  await writeFile(file, "before\n");
  report(["github"], sampleReport, file);
  const summary = await readFile(file, "utf8");
  expect(summary).toMatch(/^before\n## ✗ OpenAI API conformance: not conformant\n/);
  expect(summary).toContain("| chat | ✗ not conformant |");
});
