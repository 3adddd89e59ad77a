import { expect, test } from "vitest";
import { isGranted } from "@openai-compat/core";
import { parseCapabilities, printCapabilities } from "./option-values.ts";

const all = { pointers: ["*"] };

test.each([
  ["*", [{ domain: "ai", ...all, can: ["*"] }]],
  ["", []],
  ["read, PROMPT", [{ domain: "ai", ...all, can: ["READ", "PROMPT"] }]],
  ["operator:*", [{ domain: "operator", ...all, can: ["*"] }]],
  [
    "operator:READ,prompt,operator:update",
    [
      { domain: "ai", ...all, can: ["PROMPT"] },
      { domain: "operator", ...all, can: ["READ", "UPDATE"] },
    ],
  ],
  ["ai:READ,READ", [{ domain: "ai", ...all, can: ["READ", "READ"] }]],
])("--can %j grants %j", (text, grants) => {
  expect(parseCapabilities(text)).toEqual(grants);
});

test.each([
  ["EVERYTHING", /"EVERYTHING" is not one of \*, READ/],
  ["operator:EVERYTHING", /"EVERYTHING" is not one of/],
  ["operator:", /"" is not one of/],
  ["perspective:READ", /"perspective" is no domain: there are ai, operator/],
  ["*:READ", /"\*" is no domain/],
  [":READ", /"" is no domain/],
])("--can %j is refused", (text, reason) => {
  expect(() => parseCapabilities(text)).toThrow(reason);
});

test("everything that is not named for operators gives no operator's capability", () => {
  expect(isGranted({ capabilities: parseCapabilities("*") }, { domain: "operator", can: "READ" })).toBe(false);
  expect(isGranted({ capabilities: parseCapabilities("operator:*") }, { domain: "operator", can: "READ" })).toBe(true);
});

test("capabilities are printed as --can takes them", () => {
  const text = "READ,PROMPT,operator:READ,operator:*";
  expect(printCapabilities(parseCapabilities(text))).toBe(text);
  expect(printCapabilities([{ domain: "*", pointers: ["*"], can: ["*"] }])).toBe("*:*");
});
