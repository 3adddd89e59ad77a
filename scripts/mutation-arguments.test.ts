import { expect, test } from "vitest";
import { readMutationArguments } from "./mutation-arguments.ts";

test("without paths every source file of the package is mutated, but no test and nothing made for tests", () => {
  const { mutate, ...rest } = readMutationArguments(["core"]);
  expect(rest).toEqual({ packageName: "core", threshold: 85, workers: 2, isIncremental: false });
  expect(mutate[0]).toBe("src/**/*.ts");
  expect(mutate.slice(1)).toEqual(expect.arrayContaining(["!src/**/*.test.ts", "!src/testing/**"]));
});

test("paths are files or folders of the package, and options may stand anywhere", () => {
  const words = ["core", "--workers", "1", "--", "src/auth/", "src/call.ts", "--incremental", "--threshold=70"];
  const { mutate, ...rest } = readMutationArguments(words);
  expect(rest).toEqual({ packageName: "core", threshold: 70, workers: 1, isIncremental: true });
  expect(mutate.slice(0, 3)).toEqual(["src/auth/**/*.ts", "src/call.ts", "!src/**/*.test.ts"]);
});

test.each([
  [[], "Name a package: core"],
  [["src/auth"], "Name a package: core"],
  [["toString"], "Name a package: core"],
  [["core", "--threshold", "0"], "whole number from 1 to 100"],
  [["core", "--threshold", "101"], "whole number from 1 to 100"],
  [["core", "--workers", "many"], "whole number from 1 to 64"],
  [["core", "--fast"], "--fast"],
])("%j is refused", (words, message) => {
  expect(() => readMutationArguments(words)).toThrow(message);
});
