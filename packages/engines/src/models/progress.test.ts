import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createProgressReporter } from "./progress.ts";

const source = "model hub example.org";

test("a log gets a line when a phase starts, one every few seconds, and one when it is done", () => {
  const stream = new PassThrough();
  let nowMs = 0;
  const reporter = createProgressReporter({ label: "Tiny", stream, clock: () => nowMs });
  for (let receivedBytes = 0; receivedBytes <= 8_000_000; receivedBytes += 100_000) {
    nowMs += 150;
    reporter.onProgress({ phase: "downloading", source, receivedBytes, totalBytes: 8_000_000 });
  }
  reporter.onProgress({ phase: "verifying", source, receivedBytes: 0, totalBytes: 8_000_000 });
  reporter.onProgress({ phase: "verifying", source, receivedBytes: 8_000_000, totalBytes: 8_000_000 });
  reporter.stop();
  expect(String(stream.read()).trimEnd().split("\n")).toEqual([
    `Tiny from ${source}`,
    ...["0", "3", "7", "8"].map((megabytes) => `Downloading Tiny: ${megabytes} of 8 MB`),
    ...["0", "8"].map((megabytes) => `Verifying Tiny: ${megabytes} of 8 MB`),
  ]);
});

test("waiting for another pull is reported once", () => {
  const stream = new PassThrough();
  const reporter = createProgressReporter({ label: "Tiny", stream });
  const waiting = { phase: "waiting", source: "", receivedBytes: 0, totalBytes: 0 } as const;
  reporter.onProgress(waiting);
  reporter.onProgress(waiting);
  expect(String(stream.read())).toBe("Waiting for another pull of Tiny\n");
});

const BAR = /([A-Z][a-z]+) \[([=-]*)\] (\d+) % \| (\d+)\/(\d+) (?:MB|kB|B)/g;

function openTerminal(columns?: number) {
  const noop = () => true;
  return Object.assign(new PassThrough(), {
    isTTY: true as const,
    ...(columns !== undefined && { columns }),
    cursorTo: noop,
    clearLine: noop,
    moveCursor: noop,
  });
}

test.each([40, 80, 120, undefined])("on a terminal of %s columns the numbers fit beside a bar", (columns) => {
  const stream = openTerminal(columns);
  const reporter = createProgressReporter({ label: "Tiny", stream });
  reporter.onProgress({ phase: "downloading", source, receivedBytes: 4_321_000_000, totalBytes: 12_345_000_000 });
  reporter.stop();
  const printed = String(stream.read());
  expect(printed).toContain(`Tiny from ${source}\n`);
  const [line, verb, bar, percentage, received, total] = [...printed.matchAll(BAR)].at(-1) ?? [];
  expect([verb, percentage, received, total]).toEqual(["Downloading", "35", "4321", "12345"]);
  expect(bar?.length).toBeGreaterThanOrEqual(columns === 40 ? 10 : 40);
  if (columns !== 40) expect(line?.length).toBeLessThan(columns ?? 80);
});

test("a phase that is followed by another of its source ends at 100 %, and none goes beyond", () => {
  const stream = openTerminal(80);
  const reporter = createProgressReporter({ label: "Tiny", stream });
  reporter.onProgress({ phase: "downloading", source, receivedBytes: 90_000_000, totalBytes: 93_000_000 });
  reporter.onProgress({ phase: "verifying", source, receivedBytes: 0, totalBytes: 93_000_000 });
  reporter.onProgress({ phase: "verifying", source, receivedBytes: 1_000_000, totalBytes: 98_000_000 });
  reporter.onProgress({ phase: "verifying", source, receivedBytes: 98_500_000, totalBytes: 98_000_000 });
  reporter.stop();
  const bars = String(stream.read())
    .split("\n")
    .flatMap((line) => [...line.matchAll(BAR)].at(-1)?.slice(1).toSpliced(1, 1).join(" ") ?? []);
  expect(bars).toEqual(["Downloading 100 93 93", "Verifying 100 93 93", "Verifying 100 98 98"]);
});

test.each([
  [231_508, "232/232 kB", "232 of 232 kB"],
  [999, "999/999 B", "999 of 999 B"],
  [1_000_000, "1/1 MB", "1 of 1 MB"],
])("a file of %s bytes is not counted as none", (totalBytes, onTerminal, inLog) => {
  const terminal = openTerminal(80);
  const log = new PassThrough();
  for (const stream of [terminal, log]) {
    const reporter = createProgressReporter({ label: "Tiny", stream });
    reporter.onProgress({ phase: "verifying", source, receivedBytes: 0, totalBytes });
    reporter.onProgress({ phase: "verifying", source, receivedBytes: totalBytes, totalBytes });
    reporter.stop();
  }
  expect(String(terminal.read())).toContain(`100 % | ${onTerminal}`);
  expect(String(log.read())).toContain(`Verifying Tiny: ${inLog}\n`);
});

test("a long source is printed in lines that the terminal does not break within a word", () => {
  const stream = openTerminal(80);
  const reporter = createProgressReporter({ label: "Tiny", stream });
  const long = "Python packages tiny-part1 to -part6 0.9.0 (a third party's upload, byte for byte the file)";
  reporter.onProgress({ phase: "downloading", source: long, receivedBytes: 0, totalBytes: 0 });
  const [first = "", second = ""] = String(stream.read()).split("\n");
  expect(first.length).toBeLessThanOrEqual(80);
  expect(`${first} ${second}`).toBe(`Tiny from ${long}`);
});

test("a source that failed does not end at 100 %", () => {
  const stream = openTerminal(80);
  const reporter = createProgressReporter({ label: "Tiny", stream });
  reporter.onProgress({ phase: "downloading", source, receivedBytes: 10_000_000, totalBytes: 40_000_000 });
  reporter.onProgress({ phase: "downloading", source: "another", receivedBytes: 0, totalBytes: 40_000_000 });
  reporter.stop();
  expect([...String(stream.read()).matchAll(BAR)].map(([, , , percentage]) => percentage)).not.toContain("100");
});

test.each([true, false])("reports after the end are not shown, on a terminal: %s", (isTTY) => {
  const noop = () => true;
  const stream = Object.assign(new PassThrough(), { isTTY, cursorTo: noop, clearLine: noop, moveCursor: noop });
  const reporter = createProgressReporter({ label: "Tiny", stream });
  reporter.onProgress({ phase: "verifying", source, receivedBytes: 1_000_000, totalBytes: 8_000_000 });
  reporter.stop();
  stream.read();
  reporter.onProgress({ phase: "downloading", source, receivedBytes: 4_000_000, totalBytes: 8_000_000 });
  expect(stream.read()).toBeNull();
});
