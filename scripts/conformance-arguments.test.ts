import { expect, test } from "vitest";
import { readConformanceArguments } from "./conformance-arguments.ts";

test("without arguments our own server is started with small, fast models", () => {
  expect(readConformanceArguments([])).toEqual({ server: { engines: "small", readyTimeMsMax: 1_800_000 }, suite: [] });
});

test("the built-in target's options are taken out and the rest goes to the suite in its order", () => {
  const words = ["--", "--only", "chat", "--engines", "scripted", "--ready-timeout=5", "--disable", "sse"];
  expect(readConformanceArguments(words)).toEqual({
    server: { engines: "scripted", readyTimeMsMax: 5000 },
    suite: ["--only", "chat", "--disable", "sse"],
  });
});

test("the best models are used on demand", () => {
  expect(readConformanceArguments(["--engines", "auto"]).server?.engines).toBe("auto");
});

test("a plan of our own server pulls no model", () => {
  expect(readConformanceArguments(["run", "--plan"]).server?.engines).toBe("scripted");
});

test.each([
  [["--base-url", "http://127.0.0.1:1/v1"]],
  [["run", "--base-url=http://127.0.0.1:1/v1"]],
  [["--target", "target.json"]],
  [["list"]],
  [["explain", "chat.stream.done-sentinel"]],
  [["--help"]],
])("%j starts no server and goes to the suite as it is", (words) => {
  expect(readConformanceArguments(words)).toEqual({ server: null, suite: words });
});

test.each([
  [["--engines", "gpu"], "small, auto, scripted, upstream"],
  [["--engines"], "needs a value"],
  [["--ready-timeout", "soon"], "number of seconds"],
  [["--ready-timeout", "0"], "number of seconds"],
])("%j is refused", (words, message) => {
  expect(() => readConformanceArguments(words)).toThrow(message);
});
