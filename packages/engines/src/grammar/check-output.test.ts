import { expect, test } from "vitest";
import { FREE_TEXT } from "@openai-compat/core";
import { checkSchemas } from "./check-output.ts";

const properties = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`p${index}`, { type: "null" }]));
const createTool = (index: number) => ({
  name: `tool${index}`,
  description: null,
  parameters: { type: "object", properties },
  param: `tools[${index}].function`,
});

test("tools that are each small enough are refused where they are too large together", () => {
  const check = (count: number) => {
    const tools = Array.from({ length: count }, (_, index) => createTool(index));
    return () => checkSchemas({ ...FREE_TEXT, toolUse: { tools, mode: "auto", parallel: true } });
  };
  expect(check(10)).not.toThrow();
  expect(check(20)).toThrow(expect.objectContaining({ code: "invalid_value", param: "tools[13].function.parameters" }));
});
