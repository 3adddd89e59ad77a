import { expect, test } from "vitest";
import { createLogger } from "./logger.ts";

test("each line is one JSON object, whatever the values hold", () => {
  const lines: string[] = [];
  const logger = createLogger({ level: "debug", write: (line) => void lines.push(line) });
  logger.error('broke\n"here"', { path: "/v1\nforged", status: 500, complete: false });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^[^\n]+\n$/);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({ level: "error", message: 'broke\n"here"', path: "/v1\nforged" });
});

test.each([
  ["debug", ["debug", "info", "warn", "error"]],
  ["warn", ["warn", "error"]],
  ["silent", []],
] as const)("at level %s, %j are written", (level, expected) => {
  const lines: string[] = [];
  const logger = createLogger({ level, write: (line) => void lines.push(line) });
  for (const name of ["debug", "info", "warn", "error"] as const) logger[name]("x");
  expect(lines.map((line) => JSON.parse(line).level)).toEqual(expected);
});
