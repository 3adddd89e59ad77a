import { FREE_TEXT } from "@openai-compat/core";
import type { ChatOutput, ChatTool, JsonSchema } from "@openai-compat/core";
import { expect, test } from "vitest";
import { createOutputGrammars } from "./output-grammars.ts";
import type { OutputGrammarsOptions } from "./output-grammars.ts";

function open(options?: OutputGrammarsOptions) {
  const read: string[] = [];
  const grammars = createOutputGrammars(
    {
      async createGrammar({ grammar }) {
        read.push(grammar);
        return { grammar, rootRuleName: "root", stopGenerationTriggers: [], trimWhitespaceSuffix: false };
      },
    },
    options,
  );
  return { grammars, read };
}

const formatted = (schema: JsonSchema): ChatOutput => ({
  ...FREE_TEXT,
  format: { type: "json-schema", schema, isStrict: true },
});
const word = (value: string) => formatted({ type: "object", properties: { [value]: { const: value } } });
const tool: ChatTool = {
  kind: "function",
  name: "travel",
  description: null,
  parameters: { type: "object", properties: { by: { enum: ["zeppelin", "handcar"] } }, required: ["by"] },
  isStrict: true,
  schemaParam: "tools[0].function.parameters",
};
const offering = (overrides: Partial<ChatTool>, mode: "auto" | "required" = "required"): ChatOutput => ({
  ...FREE_TEXT,
  toolUse: { tools: [{ ...tool, ...overrides }], mode, parallel: true },
});

test("an output is compiled once, however often it comes as a copy, also at the same time", async () => {
  const { grammars, read } = open();
  for (const output of [word("sea"), offering({})]) {
    const copies = Array.from({ length: 5 }, () => structuredClone(output));
    const [first, ...others] = await Promise.all(copies.map((copy) => grammars.compile(copy)));
    expect(first).not.toBeNull();
    for (const other of others) expect(other).toBe(first);
    expect(await grammars.compile(structuredClone(output))).toBe(first);
  }
  expect(read).toHaveLength(2);
});

test("outputs that differ in what a grammar is made of have grammars of their own", async () => {
  const { grammars, read } = open();
  const outputs = [
    word("sea"),
    word("rain"),
    { ...FREE_TEXT, format: { type: "json-object" as const } },
    offering({}),
    offering({ name: "rest" }),
    offering({ isStrict: false }),
    offering({ parameters: null }),
    offering({}, "auto"),
  ];
  const compiled = await Promise.all(outputs.map((output) => grammars.compile(output)));
  expect(new Set(compiled).size).toBe(outputs.length);
  expect(read).toHaveLength(outputs.length);
});

test("what only the prompt says of a tool makes no other grammar", async () => {
  const { grammars, read } = open();
  const first = await grammars.compile(offering({}));
  const described = offering({ description: "Goes away.", schemaParam: "tools[7].function.parameters" });
  expect(await grammars.compile({ ...described, reasoningEffort: "low" })).toBe(first);
  expect(read).toHaveLength(1);
});

test("free text has no grammar", async () => {
  const { grammars, read } = open();
  expect(await grammars.compile(structuredClone(FREE_TEXT))).toBeNull();
  expect(read).toEqual([]);
});

test("the least recently used grammar is compiled again when there were too many, or too long ones", async () => {
  for (const options of [{ keptMax: 2 }, { keptCharactersMax: 2 * (await lengthOf(word("one"))) }]) {
    const { grammars, read } = open(options);
    for (const value of ["one", "two", "one", "six", "one"]) await grammars.compile(word(value));
    expect(read).toHaveLength(3);
    await grammars.compile(word("two"));
    expect(read).toHaveLength(4);
  }
});

async function lengthOf(output: ChatOutput): Promise<number> {
  const { grammars, read } = open();
  await grammars.compile(output);
  return read[0]?.length ?? Number.NaN;
}

test("an output that can't be compiled is tried again", async () => {
  const { grammars } = open();
  const impossible = formatted({ type: "object", properties: { a: false }, required: ["a"] });
  for (const copy of [structuredClone(impossible), structuredClone(impossible)]) {
    await expect(grammars.compile(copy)).rejects.toMatchObject({ code: "invalid_value" });
  }
});
