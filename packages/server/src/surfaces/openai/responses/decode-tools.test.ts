import { createResponseRequestSchema } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { decodeTools } from "./decode-tools.ts";

const LOOK = { type: "function", name: "look", description: null, parameters: null, strict: null };
const RUN = { type: "custom", name: "run" };
const AGENTS = { type: "namespace", name: "agents", description: "Agents.", tools: [{ ...LOOK, name: "spawn" }] };
const SEARCH = { type: "web_search", external_web_access: false };
const MCP = { type: "mcp", server_label: "docs", server_url: "https://example.com" };

function decode(wire: object) {
  return decodeTools(createResponseRequestSchema.parse({ model: "m", input: "a", ...wire }));
}

function listNames(wire: object): readonly string[] {
  return (decode(wire).toolUse?.tools ?? []).map(({ name }) => name);
}

test("functions, custom tools and those of namespaces are offered; hosted ones are not, and refuse nothing", () => {
  const { toolUse, names } = decode({ tools: [LOOK, RUN, AGENTS, SEARCH, MCP] });
  expect(toolUse).toMatchObject({ mode: "auto", parallel: true });
  expect(toolUse?.tools.map(({ name, kind }) => [name, kind])).toEqual([
    ["look", "function"],
    ["run", "custom"],
    ["agents__spawn", "function"],
  ]);
  expect(names.get("agents__spawn")).toEqual({ namespace: "agents", name: "spawn" });
  expect(decode({ tools: [SEARCH] }).toolUse).toBeNull();
});

test("every form of tool_choice chooses what it names", () => {
  const tools = [LOOK, RUN, AGENTS, SEARCH];
  expect(decode({ tools, tool_choice: "none" }).toolUse).toBeNull();
  expect(decode({ tools, tool_choice: "required" }).toolUse?.mode).toBe("required");
  expect(listNames({ tools, tool_choice: { type: "function", name: "look" } })).toEqual(["look"]);
  expect(listNames({ tools, tool_choice: { type: "function", name: "spawn" } })).toEqual(["agents__spawn"]);
  expect(listNames({ tools, tool_choice: { type: "custom", name: "run" } })).toEqual(["run"]);
  const allowed = [{ type: "function", name: "look" }, { type: "web_search" }];
  expect(listNames({ tools, tool_choice: { type: "allowed_tools", mode: "auto", tools: allowed } })).toEqual(["look"]);
  expect(decode({ tools, parallel_tool_calls: false }).toolUse?.parallel).toBe(false);
});

test.each([
  [{ tools: [LOOK, SEARCH], tool_choice: { type: "web_search" } }, "unsupported_value", "tool_choice.type"],
  [{ tools: [MCP], tool_choice: { type: "mcp", server_label: "docs" } }, "unsupported_value", "tool_choice.type"],
  [{ tools: [LOOK], tool_choice: { type: "shell" } }, "unsupported_value", "tool_choice.type"],
  [{ tools: [SEARCH], tool_choice: "required" }, "unsupported_value", "tool_choice"],
  [{ tool_choice: "required" }, "invalid_value", "tool_choice"],
  [{ tools: [LOOK], tool_choice: { type: "function", name: "peek" } }, "invalid_value", "tool_choice.name"],
  [{ tools: [LOOK], tool_choice: { type: "custom", name: "look" } }, "invalid_value", "tool_choice.name"],
  [
    { tools: [SEARCH], tool_choice: { type: "allowed_tools", mode: "required", tools: [{ type: "web_search" }] } },
    "unsupported_value",
    "tool_choice",
  ],
  [
    { tools: [LOOK], tool_choice: { type: "allowed_tools", mode: "auto", tools: [{ type: "function" }] } },
    "invalid_value",
    "tool_choice.tools",
  ],
  [{ tools: [LOOK, LOOK] }, "invalid_value", "tools[1].name"],
  [{ tools: [{ ...LOOK, name: "agents__spawn" }, AGENTS] }, "invalid_value", "tools[1].tools[0].name"],
  [{ tools: [{ ...LOOK, parameters: { type: "string" } }] }, "invalid_value", "tools[0].parameters"],
  [
    { tools: [{ ...RUN, format: { type: "grammar", syntax: "regex", definition: "(" } }] },
    "invalid_value",
    "tools[0].format.definition",
  ],
])("%j is refused", (wire, code, param) => {
  expect(() => decode(wire)).toThrow(expect.objectContaining({ code, param }));
});

test("a regular expression binds a custom tool; a grammar of Lark is shown to the model and reported", () => {
  const regex = { ...RUN, format: { type: "grammar", syntax: "regex", definition: "a+" } };
  expect(decode({ tools: [regex] })).toMatchObject({
    relaxed: [],
    toolUse: { tools: [{ parameters: { properties: { input: { pattern: "^(?:a+)$" } } } }] },
  });
  const lark = { ...RUN, format: { type: "grammar", syntax: "lark", definition: "start: /a+/" } };
  const { relaxed, toolUse } = decode({ tools: [lark] });
  expect(relaxed).toEqual([{ param: "tools[0].format.definition", pointer: "", keyword: "lark" }]);
  expect(JSON.stringify(toolUse?.tools[0]?.parameters)).toContain("start: /a+/");
});

test("more tools than a request may offer are refused, those of namespaces counted one by one", () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => ({ ...LOOK, name: `tool_${index}` }));
  expect(listNames({ tools: many(256) })).toHaveLength(256);
  expect(() => decode({ tools: [RUN, { ...AGENTS, tools: many(256) }] })).toThrow(
    expect.objectContaining({ code: "invalid_value", param: "tools" }),
  );
});
