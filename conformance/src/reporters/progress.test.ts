import { expect, test } from "vitest";
import type { ReportedCheck } from "../report.ts";
import { sampleReport } from "../sample-report.fixture.ts";
import { createProgress } from "./progress.ts";

const { suite, target } = sampleReport;
const [sample] = sampleReport.checks;
const LONG_ID = `chat.${"a-long-name.".repeat(20)}end`;

function checkOf(area: ReportedCheck["area"], id: string): ReportedCheck {
  if (sample === undefined) throw new Error("the sample has no check");
  return { ...sample, area, id, outcome: "pass" };
}

function follow(options: { isTerminal: boolean; columns?: number; now?: () => number }) {
  const { now, ...output } = options;
  const written: string[] = [];
  const progress = createProgress(
    { ...output, write: (text) => void written.push(text) },
    { dim: (text) => text, ...(now === undefined ? {} : { now }) },
  );
  const areas = [
    { area: "models", planned: 2 },
    { area: "chat", planned: 10 },
  ] as const;
  progress.start({ type: "run-start", suite, target, planned: 12, areas, notes: [] });
  return { progress, written };
}

test.each([40, 80, 120])("a terminal's line counts, and is narrower than its %i columns", (columns) => {
  const { progress, written } = follow({ isTerminal: true, columns });
  progress.checkStart(LONG_ID);
  for (let index = 0; index < 6; index += 1) progress.checkEnd(checkOf("chat", LONG_ID));
  const lines = written.map((text) => text.replace("\r\u001b[K", ""));
  for (const line of lines) expect(line.length).toBeLessThan(columns);
  expect(lines[0]).toMatch(/^\[0\/12\] {3}0 % chat\./);
  expect(lines.at(-1)).toMatch(/^\[6\/12\] {2}50 % chat\./);
});

test("a terminal that does not know its width is taken for one of 80 columns", () => {
  const { progress, written } = follow({ isTerminal: true, columns: 0 });
  progress.checkStart(LONG_ID);
  expect(written[0]?.replace("\r\u001b[K", "")).toHaveLength(79);
});

test("a log gets a line for each area that has ended, without an escape sequence", () => {
  const { progress, written } = follow({ isTerminal: false, now: () => 0 });
  progress.checkEnd(checkOf("models", "models.a"));
  expect(written).toEqual([]);
  progress.checkEnd(checkOf("models", "models.b"));
  for (let index = 0; index < 10; index += 1) progress.checkEnd(checkOf("chat", "chat.a"));
  progress.clear();
  expect(written).toEqual(["[ 2/12] models: 2 pass\n", "[12/12] chat: 10 pass\n"]);
});

test("a log gets a line a minute while an area takes longer", () => {
  let nowMs = 0;
  const { progress, written } = follow({ isTerminal: false, now: () => nowMs });
  for (nowMs = 20_000; nowMs <= 140_000; nowMs += 20_000) progress.checkEnd(checkOf("chat", "chat.a"));
  expect(written).toEqual(["[ 3/12] chat …\n", "[ 6/12] chat …\n"]);
});
