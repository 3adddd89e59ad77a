import { expect, test } from "vitest";
import { FREE_TEXT } from "@openai-compat/core";
import type { ChatOutput, ChatTool, JsonSchema } from "@openai-compat/core";
import { compileOutput } from "./output-schemas.ts";

const properties = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`p${index}`, { type: "null" }]));

function createTool(index: number, isStrict: boolean, parameters: JsonSchema): ChatTool {
  return {
    name: `tool${index}`,
    description: null,
    parameters,
    isStrict,
    kind: "function",
    schemaParam: `tools[${index}].function.parameters`,
  };
}

function offer(count: number, isStrict: boolean): ChatOutput {
  // Different schemas, so that each is compiled.
  const tools = Array.from({ length: count }, (_, index) =>
    createTool(index, isStrict, { type: "object", properties: { ...properties, [`own${index}`]: { type: "null" } } }),
  );
  return { ...FREE_TEXT, toolUse: { tools, mode: "auto", parallel: true } };
}

test("strict tools that are each small enough are refused where they are too large together", async () => {
  await expect(compileOutput(offer(10, true))).resolves.toMatchObject({ relaxed: [] });
  await expect(compileOutput(offer(20, true))).rejects.toMatchObject({
    code: "invalid_value",
    param: "tools[13].function.parameters",
    message: expect.stringContaining("with the other schemas of the request"),
  });
});

test("of other tools that are too large together, the last ones are enforced in part", async () => {
  const output = offer(20, false);
  const { tools, relaxed } = await compileOutput(output);
  expect(tools.size).toBe(20);
  expect(relaxed).toContainEqual({ param: "tools[19].function.parameters", pointer: "", keyword: "*" });
  expect(relaxed.some(({ param }) => param.startsWith("tools[5]."))).toBe(false);
});

test("the same schema is compiled once for all requests", async () => {
  const compile = async () => {
    const tool = createTool(0, false, { type: "object", properties: { a: { type: "string" } } });
    return (await compileOutput({ ...FREE_TEXT, toolUse: { tools: [tool], mode: "auto", parallel: true } })).tools.get(
      tool,
    );
  };
  expect(await compile()).toBe(await compile());
});

test("between the patterns of a schema the event loop runs", async () => {
  const members = Array.from({ length: 12 }, (_, at): [string, JsonSchema] => [
    `p${at}`,
    { type: "string", format: "date", pattern: `^(?=.*7)(?=.*0)(?=.*1)(?=.*2)(?!..${at}3)\\d.*$` },
  ]);
  const schema = { type: "object", properties: Object.fromEntries(members), required: members.map(([name]) => name) };
  let turns = 0;
  let isDone = false;
  const count = () => {
    turns += 1;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  const format = { type: "json-schema", schema, isStrict: true } as const;
  const compiled = await compileOutput({ ...FREE_TEXT, format });
  isDone = true;
  expect(compiled.relaxed).toEqual([]);
  expect(turns).toBeGreaterThan(3);
});
