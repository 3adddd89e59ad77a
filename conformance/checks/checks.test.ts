import { operations } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { AREAS } from "../src/check.ts";
import { checks } from "./index.ts";

const ids = checks.map((check) => check.id);

test("ids.txt lists every check once, sorted, and nothing else", async () => {
  expect(new Set(ids).size).toBe(ids.length);
  await expect(`${[...ids].sort().join("\n")}\n`).toMatchFileSnapshot("../ids.txt");
});

test("every id is a dotted path of kebab-case words", () => {
  expect(ids.filter((id) => !/^[a-z]+(\.[a-z0-9]+(-[a-z0-9]+)*)+$/.test(id))).toEqual([]);
});

test("every check says what is required, by which source, and who breaks", () => {
  const vague = checks.filter(
    ({ requirement, reference, breaks }) =>
      !/^[A-Z`].{20,}\.$/.test(requirement) || reference.length < 8 || breaks.length < 10,
  );
  expect(vague.map((check) => check.id)).toEqual([]);
});

test("every run function is at most 30 lines", () => {
  const long = checks.filter((check) => check.run.toString().split("\n").length > 30);
  expect(long.map((check) => check.id)).toEqual([]);
});

test("there are checks of every area and on every operation", () => {
  expect(new Set<string>(checks.map((check) => check.area))).toEqual(new Set(Object.keys(AREAS)));
  const judged = new Set(checks.map((check) => check.operation));
  expect(judged).toEqual(new Set([...Object.keys(operations), null]));
});
