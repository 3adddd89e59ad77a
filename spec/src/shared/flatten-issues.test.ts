import { expect, test } from "vitest";
import { z } from "zod";
import { encodePath, flattenIssues } from "./flatten-issues.ts";

function issuesOf(schema: z.ZodType, value: unknown): [string, string][] {
  const issues = schema.safeParse(value).error?.issues ?? [];
  return flattenIssues(issues).map((issue) => [issue.path, issue.code]);
}

test("a path is written with dots for keys and brackets for indexes", () => {
  expect(encodePath(["messages", 0, "content", 1, "type"])).toBe("messages[0].content[1].type");
  expect(encodePath([])).toBe("");
});

test("the branch of a union that matched deepest is the one that is blamed", () => {
  const content = z.union([z.string(), z.array(z.object({ text: z.string() }))]);
  expect(issuesOf(z.object({ content }), { content: [{ text: 1 }] })).toEqual([["content[0].text", "invalid_type"]]);
});

test("a wrong value is blamed before a wrong type", () => {
  const stop = z.union([z.string(), z.array(z.string()).max(1)]);
  expect(issuesOf(stop, ["a", "b"])).toEqual([["", "too_big"]]);
});

test("branches that are equally far off are reported in one issue", () => {
  const issues = z.union([z.string(), z.boolean()]).safeParse(1).error?.issues ?? [];
  expect(flattenIssues(issues).map((issue) => issue.message)).toEqual([
    "Invalid input: expected string, received number; or Invalid input: expected boolean, received number",
  ]);
});

test("a value that is wrong in more places than a call takes arguments is still judged", () => {
  const prompt = z.union([z.string(), z.array(z.int())]);
  const wrong = Array.from({ length: 200_000 }, () => 0.5);
  expect(issuesOf(prompt, wrong)).toHaveLength(wrong.length);
});
