import { expect, test } from "vitest";
import { createDecoderProcesses } from "./decoder-processes.ts";
import { createLogger } from "./operations/logger.ts";

test("processes that decode audio are counted, and logged without anything of a file", () => {
  const lines: unknown[] = [];
  const write = (line: string): void => {
    const { time: _time, ...fields } = JSON.parse(line);
    lines.push(fields);
  };
  const { record, reading } = createDecoderProcesses(createLogger({ level: "debug", write }));
  record({ type: "process-start", pid: 50 });
  record({ type: "process-start", pid: 51 });
  expect(reading().processes).toEqual([
    { pid: 50, rssBytes: null },
    { pid: 51, rssBytes: null },
  ]);
  record({ type: "process-memory", pid: 50, rssBytes: 7000 });
  record({ type: "process-end", pid: 51 });
  record({ type: "lost", pid: 51, reason: "it was ended by SIGKILL" });
  expect(reading()).toEqual({ processes: [{ pid: 50, rssBytes: 7000 }], starts: 2, losses: 1 });
  expect(lines).toEqual([
    { level: "debug", message: "audio decoder started", pid: 50 },
    { level: "debug", message: "audio decoder started", pid: 51 },
    { level: "debug", message: "audio decoder ended", pid: 51 },
    { level: "warn", message: "audio decoder lost", pid: 51, reason: "it was ended by SIGKILL" },
  ]);
});
