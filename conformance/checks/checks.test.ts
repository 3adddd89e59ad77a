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

/** Where a rule can be read: the official document, the SDKs' sources, a standard, or an issue of a client that broke. */
const SOURCES = [
  /\bOpenAPI [\w-]+/,
  /\bOpenAI(?:'s own refusal| (?:error codes|structured outputs|pricing|rate limits?|rate limit headers)\b)/,
  /\bopenai-(?:node|python) [\w/.`-]+/,
  /\b(?:RFC \d{4}|HTML Living Standard|WHATWG HTML|Fetch Standard|ECMAScript|JSON Schema 2020-12|ITU-T G\.711)\b/,
  /\b(?:OWASP API\d+:\d{4}|CWE-\d+|CVE-\d{4}-\d+)\b/,
  /\b[\w.-]+\/[\w.-]+#\d+/,
];

test("a must names the official document, the SDK, a standard or a client that broke", () => {
  const unfounded = checks.filter(
    ({ level, reference }) => level === "must" && !SOURCES.some((source) => source.test(reference)),
  );
  expect(unfounded.map(({ id, reference }) => `${id}: ${reference}`)).toEqual([]);
});

/** What the README says of mistakes that nobody notices, of clients that don't exist, and of a preference. */
const LESSER = /goes unnoticed|no client sends|no mainstream client|would be nicer|nobody breaks|are degraded/i;

test("what breaks nobody is no must", () => {
  const tooHigh = checks.filter(({ level, breaks }) => level === "must" && LESSER.test(breaks));
  expect(tooHigh.map(({ id, breaks }) => `${id}: ${breaks}`)).toEqual([]);
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
