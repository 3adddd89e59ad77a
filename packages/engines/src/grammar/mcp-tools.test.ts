/** Tools of public MCP servers, as an agent sends them: all tools of a server in one request, none of them strict. */

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FREE_TEXT } from "@openai-compat/core";
import type { ChatOutput } from "@openai-compat/core";
import { buildOutputGrammar } from "../llama/output-grammar.ts";
import { createGbnfMatcher } from "../llama/testing/gbnf-matcher.ts";
import { compileOutput } from "./output-schemas.ts";
import { printGrammar } from "./print-grammar.ts";
import { createSeededRandom, sampleGrammar } from "./sample-grammar.ts";
import type { SchemaObject } from "./schema-view.ts";

interface ServerTools {
  readonly server: string;
  readonly tools: readonly { readonly name: string; readonly inputSchema: SchemaObject }[];
}

/** One server a line: names and schemas, without what is only read by people. */
const servers: readonly ServerTools[] = readFileSync(new URL("testing/mcp-tools.jsonl", import.meta.url), "utf8")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));

/** Keywords of theirs that no grammar enforces. */
const RELAXED: ReadonlyMap<string, readonly string[]> = new Map([
  ["firecrawl-mcp", ["maxLength"]],
  ["@notionhq/notion-mcp-server", ["oneOf"]],
]);

function offer(tools: ServerTools["tools"], mode: "auto" | "required"): ChatOutput {
  const list = tools.map(({ name, inputSchema }, index) => ({
    name,
    description: null,
    parameters: { ...inputSchema, type: "object" },
    isStrict: false,
    kind: "function" as const,
    schemaParam: `tools[${index}].function.parameters`,
  }));
  return { ...FREE_TEXT, toolUse: { tools: list, mode, parallel: true } };
}

test("there are tools of at least twenty servers", () => {
  expect(servers.length).toBeGreaterThanOrEqual(20);
});

test.each(servers)("all tools of $server are one grammar, and hardly anything of them is left out", async (server) => {
  const output = offer(server.tools, "required");
  const schemas = await compileOutput(output);
  const left = [...new Set(schemas.relaxed.map(({ keyword }) => keyword))];
  expect(left).toEqual(RELAXED.get(server.server) ?? []);
  const built = buildOutputGrammar(output, schemas);
  if (built === null) expect.fail("Tools that have to be called are not free text.");
  const matches = await createGbnfMatcher(printGrammar(built.grammar));
  for (let seed = 0; seed < 5; seed += 1) {
    expect(matches(sampleGrammar(built.grammar, createSeededRandom(seed)))).toBe(true);
  }
});

test("the tools of several servers at once are taken, as far as OpenAI's number of tools goes", async () => {
  const tools = servers.flatMap(({ server, tools: own }, at) =>
    own.map((tool) => ({ ...tool, name: `${at}_${server}_${tool.name}` })),
  );
  for (let start = 0; start < tools.length; start += 128) {
    const output = offer(tools.slice(start, start + 128), "auto");
    const schemas = await compileOutput(output);
    const built = buildOutputGrammar(output, schemas);
    await expect(createGbnfMatcher(built === null ? "" : printGrammar(built.grammar))).resolves.toBeTypeOf("function");
  }
});
