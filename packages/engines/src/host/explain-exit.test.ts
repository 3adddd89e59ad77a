import { expect, test } from "vitest";
import { explainExit } from "./explain-exit.ts";

const explain = (errorText: string) =>
  explainExit({ code: null, signal: "SIGABRT", killedFor: null, errorText }).replace("it was ended by SIGABRT", "");

test("what was killed says why, and what ended by itself says how", () => {
  const exit = { code: 7, signal: null, errorText: "Error: late" };
  expect(explainExit({ ...exit, killedFor: "it hung" })).toBe("it was killed because it hung");
  expect(explainExit({ ...exit, killedFor: null })).toBe("it exited with code 7; its last words: Error: late");
});

test.each([
  "/build/ggml/src/ggml.c:1234: GGML_ASSERT(tensor != NULL) failed",
  "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
  "TypeError [ERR_INVALID_ARG]: no buffer",
  "what():  bad allocation",
  "node: symbol lookup error: ggml.so: undefined symbol: x",
])("the last words are the line with a reason: %s", (line) => {
  expect(explain(`some text\n  ${line}\n    at native-child.js:1:1\n`)).toContain(`; its last words: ${line}`);
});

test("what the library prints of a request is no last word", () => {
  const printed = 'parse: error parsing grammar: expecting name at "secret error"\n\nroot ::= "an assert of secret"\n';
  expect(explain(printed)).not.toContain("last words");
  const thrown = "terminate called after throwing an instance of 'std::runtime_error'\n";
  const what = "  what():  Unexpected empty grammar stack after accepting piece: secret (42)\n";
  expect(explain(printed + thrown + what)).toContain("after accepting piece: [redacted]");
  expect(explain(printed + thrown + what)).not.toContain("secret");
});
