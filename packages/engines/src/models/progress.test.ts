import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createProgressReporter } from "./progress.ts";

const source = "model hub example.org";

test("a log gets a line per quarter of a download and one for each other phase", () => {
  const stream = new PassThrough();
  const reporter = createProgressReporter({ label: "Tiny", stream });
  for (let receivedBytes = 0; receivedBytes <= 8_000_000; receivedBytes += 100_000) {
    reporter.onProgress({ phase: "downloading", source, receivedBytes, totalBytes: 8_000_000 });
  }
  for (let receivedBytes = 0; receivedBytes <= 8_000_000; receivedBytes += 100_000) {
    reporter.onProgress({ phase: "verifying", source, receivedBytes, totalBytes: 8_000_000 });
  }
  reporter.stop();
  expect(String(stream.read()).trimEnd().split("\n")).toEqual([
    ...[0, 2, 4, 6, 8].map((megabytes) => `Downloading Tiny (${source}): ${megabytes} of 8 MB`),
    `Verifying Tiny (${source})`,
  ]);
});

test("waiting for another pull is told once", () => {
  const stream = new PassThrough();
  const reporter = createProgressReporter({ label: "Tiny", stream });
  const waiting = { phase: "waiting", source: "", receivedBytes: 0, totalBytes: 0 } as const;
  reporter.onProgress(waiting);
  reporter.onProgress(waiting);
  expect(String(stream.read())).toBe("Waiting for another pull of Tiny\n");
});

test("a terminal gets a bar that ends when it is stopped", () => {
  const stream = Object.assign(new PassThrough(), {
    isTTY: true as const,
    columns: 120,
    cursorTo: () => true,
    clearLine: () => true,
    moveCursor: () => true,
  });
  const reporter = createProgressReporter({ label: "Tiny", stream });
  reporter.onProgress({ phase: "downloading", source, receivedBytes: 4_000_000, totalBytes: 8_000_000 });
  reporter.stop();
  const drawn = String(stream.read());
  expect(drawn).toContain(`Downloading Tiny (${source})`);
  expect(drawn).toContain("4/8 MB");
});

test.each([true, false])("what is told after the end is not shown, on a terminal: %s", (isTTY) => {
  const noop = () => true;
  const stream = Object.assign(new PassThrough(), { isTTY, cursorTo: noop, clearLine: noop, moveCursor: noop });
  const reporter = createProgressReporter({ label: "Tiny", stream });
  reporter.onProgress({ phase: "verifying", source, receivedBytes: 1_000_000, totalBytes: 8_000_000 });
  reporter.stop();
  stream.read();
  reporter.onProgress({ phase: "downloading", source, receivedBytes: 4_000_000, totalBytes: 8_000_000 });
  expect(stream.read()).toBeNull();
});
