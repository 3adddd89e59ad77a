import { expect, test } from "vitest";
import { createLogger } from "./logger.ts";
import type { LogFields, Logger } from "./logger.ts";

function write(use: (logger: Logger) => void, colour = false): string {
  const lines: string[] = [];
  use(createLogger({ level: "debug", format: "pretty", colour, write: (line) => void lines.push(line) }));
  return lines.join("");
}

const REQUEST: LogFields = {
  requestId: "req_6f0c",
  method: "POST",
  path: "/v1/chat/completions",
  operation: "createChatCompletion",
  account: "default",
  status: 200,
  durationMs: 812,
  complete: true,
  model: "smollm2-135m-instruct",
  outcome: "completed",
  promptTokens: 31,
  completionTokens: 40,
  audioMs: 0,
};

test("a request that went well fits a line of 100 columns", () => {
  const line = write((logger) => logger.info("request", REQUEST));
  expect(line).toMatch(
    /^\d\d:\d\d:\d\d info {2}POST \/v1\/chat\/completions 200 812 ms model=smollm2-135m-instruct tokens=31\+40\n$/,
  );
  expect(line.length).toBeLessThan(100);
});

test.each([
  ["was refused", { ...REQUEST, status: 429 }],
  ["was not read to its end", { ...REQUEST, complete: false }],
])("a request that %s shows its id", (_case, fields) => {
  expect(write((logger) => logger.info("request", fields))).toContain("requestId=req_6f0c");
});

test("a request that was not read to its end is said to be so", () => {
  expect(write((logger) => logger.info("request", { ...REQUEST, complete: false }))).toContain("not read to its end");
  expect(write((logger) => logger.info("request", { ...REQUEST, status: 404 }))).not.toContain("complete=");
});

test("other lines show their fields, but those that say nothing", () => {
  const line = write((logger) => logger.error("call failed", { code: "upstream_failed", cause: null, count: 0 }));
  expect(line).toMatch(/error call failed code=upstream_failed\n$/);
});

test("what a caller sent can't drive the terminal or make a second line", () => {
  const sent = "/v1\u001b[2J\n\u0085\u2028 forged";
  const line = write((logger) => {
    logger.info("request", { ...REQUEST, path: sent });
    logger.warn(sent, { sent });
  });
  for (const character of ["\u001b", "\u0085", "\u2028"]) expect(line).not.toContain(character);
  expect(line.trimEnd().split("\n")).toHaveLength(2);
});

test("there are colours only where they are asked for", () => {
  expect(write((logger) => logger.warn("x"))).not.toContain("\u001b");
  expect(write((logger) => logger.warn("x"), true)).toContain("\u001b[33mwarn");
});
