import { expect, test } from "vitest";
import { LINE_LENGTH_MAX, cleanLine, decodeOnnxLine, limitLines } from "./native-lines.ts";
import type { NativeLine } from "./native-model.ts";

test.each([
  ["  llama_decode: failed to decode, ret = -3\n", "llama_decode: failed to decode, ret = -3"],
  ["one line\r\nand another", "one line"],
  ["parse: error parsing grammar: expecting ')' at \"my secret\"", "parse: error parsing grammar: [redacted]"],
  [
    "Unexpected empty grammar stack after accepting piece: secret (42)",
    "Unexpected empty grammar stack after accepting piece: [redacted]",
  ],
  ["x".repeat(5000), "x".repeat(LINE_LENGTH_MAX)],
  ["", ""],
])("of %j one line is kept, cut, without parts of requests", (text, expected) => {
  expect(cleanLine(text)).toBe(expected);
});

test("in each minute so many lines pass, and one that says that more were left out", () => {
  let nowMs = 50;
  const passed: string[] = [];
  const log = limitLines<NativeLine>(({ level, line }) => passed.push(`${level} ${line}`), {
    linesPerMinute: 2,
    nowMs: () => nowMs,
  });
  const leftOut = "error More lines were left out: 2 in a minute are logged.";
  for (let count = 1; count <= 100; count += 1) log({ level: "error", line: `${count}` });
  expect(passed).toEqual(["error 1", "error 2", leftOut]);
  nowMs += 59_999;
  log({ level: "error", line: "too early" });
  nowMs += 1;
  log({ level: "warn", line: "again" });
  expect(passed).toEqual(["error 1", "error 2", leftOut, "warn again"]);
});

test("lines of ONNX Runtime are known by their form, with colours and without, and no others are", () => {
  const at = "2026-11-30 01:02:03.123456789";
  const text = "Non-zero status code returned while running MatMul node.";
  expect(
    decodeOnnxLine(`\u001B[1;31m${at} [E:onnxruntime:, sequential_executor.cc:572 ExecuteKernel] ${text}\u001B[m`),
  ).toEqual({
    level: "error",
    line: text,
  });
  expect(decodeOnnxLine(`${at} [W:onnxruntime:Default, device.cc:1 F] a\r`)).toEqual({ level: "warn", line: "a" });
  for (const line of ["", "[I:onnxruntime:, a.cc:1 F] told", "a grammar of [W] a request", "[E:other:, a] b"]) {
    expect(decodeOnnxLine(line)).toBeNull();
  }
});
