import { expect, test } from "vitest";
import { FREE_TEXT } from "@openai-compat/core";
import type { ChatOutput, ChatTool } from "@openai-compat/core";
import { findUntaggedCalls } from "./untagged-tools.ts";

const parameters = {
  type: "object",
  properties: {
    city: { type: "string" },
    unit: { enum: ["celsius", "kelvin"] },
    days: {
      type: "array",
      items: {
        type: "object",
        properties: { a: { type: "integer" }, b: { type: "null" } },
        required: ["a", "b"],
        additionalProperties: false,
      },
    },
  },
  required: ["city", "unit", "days"],
  additionalProperties: false,
};

function outputOf(tool: Partial<ChatTool>, output: Partial<ChatOutput> = {}): ChatOutput {
  const tools = [
    {
      name: "rain",
      description: null,
      parameters,
      isStrict: true,
      kind: "function" as const,
      schemaParam: "tools[0].function.parameters",
      ...tool,
    },
  ];
  return { ...FREE_TEXT, toolUse: { tools, mode: "auto", parallel: true }, ...output };
}

async function accepts(values: unknown, tool: Partial<ChatTool> = {}): Promise<boolean | undefined> {
  const untagged = await findUntaggedCalls(outputOf(tool));
  return untagged?.accepts({ name: "rain", arguments: JSON.stringify(values, null, 2) });
}

const RIGHT = { city: 'Rome "é"', unit: "kelvin", days: [{ a: -3, b: null }] };

test("a strict tool is called with what conforms to its schema, in any order", async () => {
  expect(await accepts(RIGHT)).toBe(true);
  expect(
    await accepts({
      days: [
        { b: null, a: 12 },
        { a: 0, b: null },
      ],
      unit: "celsius",
      city: "",
    }),
  ).toBe(true);
});

test.each([
  { ...RIGHT, unit: "fahrenheit" },
  { city: "Rome", unit: "kelvin" },
  { ...RIGHT, more: 1 },
  { ...RIGHT, days: [{ a: 1.5, b: null }] },
  {},
])("a strict tool is not called with %j, and one that is not strict is", async (values) => {
  expect(await accepts(values)).toBe(false);
  expect(await accepts(values, { isStrict: false })).toBe(true);
});

test("a strict tool without parameters is called with none", async () => {
  expect(await accepts({}, { parameters: null })).toBe(true);
  expect(await accepts({ a: 1 }, { parameters: null })).toBe(false);
});

test("nothing is read without tags where JSON was asked for, a call is required, or there are no tools", async () => {
  const { toolUse } = outputOf({});
  if (toolUse === null) throw new Error("There are tools.");
  expect(await findUntaggedCalls({ ...FREE_TEXT, toolUse, format: { type: "json-object" } })).toBeNull();
  expect(await findUntaggedCalls({ ...FREE_TEXT, toolUse: { ...toolUse, mode: "required" } })).toBeNull();
  expect(await findUntaggedCalls(FREE_TEXT)).toBeNull();
});
