import { AiError } from "@openai-compat/core";
import { expect, test } from "vitest";
import { decodeChatCompletion } from "./decode.ts";

const decode = (body: object) =>
  decodeChatCompletion({ model: "m", messages: [{ role: "user", content: "Hi" }], ...body }).request;
const decodeOutput = (body: object) => decode(body).output;

const tool = (name: string) => ({ type: "function", function: { name } });
const tools = [tool("rain"), tool("snow")];
const custom = (name: string) => ({ type: "custom", custom: { name } });

/** Of the tools that may be called, the names, and whether and how often. */
const chosen = (body: object) => {
  const { toolUse } = decodeOutput({ tools, ...body });
  return toolUse === null ? null : [toolUse.tools.map(({ name }) => name), toolUse.mode, toolUse.parallel];
};

test("a tool keeps its description and its schema, and knows where it stood", () => {
  const parameters = { type: "object", properties: {} };
  const described = { type: "function", function: { name: "rain", description: "Tells.", parameters, strict: true } };
  expect(decodeOutput({ tools: [tool("snow"), described] }).toolUse?.tools[1]).toEqual({
    name: "rain",
    description: "Tells.",
    parameters,
    isStrict: true,
    kind: "function",
    schemaParam: "tools[1].function.parameters",
  });
});

test.each([
  [{}, { type: "object" }],
  [{ properties: {} }, { type: "object", properties: {} }],
  [{ type: ["object", "null"] }, { type: "object" }],
])("of the parameters %j the arguments are an object", (parameters, expected) => {
  const described = { type: "function", function: { name: "rain", parameters } };
  expect(decodeOutput({ tools: [described] }).toolUse?.tools[0]?.parameters).toEqual(expected);
});

test.each([
  [{}, [["rain", "snow"], "auto", true]],
  [{ tool_choice: "auto", parallel_tool_calls: false }, [["rain", "snow"], "auto", false]],
  [{ tool_choice: "required" }, [["rain", "snow"], "required", true]],
  [{ tool_choice: "none" }, null],
  [{ tools: [] }, null],
  [{ tool_choice: { type: "function", function: { name: "snow" } } }, [["snow"], "required", false]],
  [
    { tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [tool("snow")] } } },
    [["snow"], "required", true],
  ],
  [
    {
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [{ type: "function", name: "rain" }] },
      },
    },
    [["rain"], "auto", true],
  ],
  [{ tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [] } } }, null],
  [{ tools: [...tools, custom("patch")] }, [["rain", "snow", "patch"], "auto", true]],
  [{ tools: [...tools, custom("patch")], tool_choice: custom("patch") }, [["patch"], "required", false]],
  [
    {
      tools: [...tools, custom("patch"), custom("note")],
      tool_choice: {
        type: "allowed_tools",
        allowed_tools: { mode: "auto", tools: [custom("note"), { type: "custom", name: "patch" }, tool("snow")] },
      },
    },
    [["snow", "patch", "note"], "auto", true],
  ],
])("%j lets the model call %j", (body, expected) => {
  expect(chosen(body)).toEqual(expected);
});

const many = Array.from({ length: 129 }, (_, index) => tool(`tool_${index}`));

test.each([
  [{ tools: [], tool_choice: "required" }, "invalid_value", "tool_choice"],
  [
    { tools, tool_choice: { type: "function", function: { name: "hail" } } },
    "invalid_value",
    "tool_choice.function.name",
  ],
  [
    { tools, tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("hail")] } } },
    "invalid_value",
    "tool_choice.allowed_tools.tools",
  ],
  [
    { tools, tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [{ type: "mcp" }] } } },
    "invalid_value",
    "tool_choice.allowed_tools.tools[0]",
  ],
  [{ tools, tool_choice: custom("rain") }, "invalid_value", "tool_choice.custom.name"],
  [{ tools: [custom("rain")], tool_choice: tool("rain") }, "invalid_value", "tool_choice.function.name"],
  [
    {
      tools: [custom("rain")],
      tool_choice: { type: "allowed_tools", allowed_tools: { mode: "auto", tools: [tool("rain")] } },
    },
    "invalid_value",
    "tool_choice.allowed_tools.tools",
  ],
  [{ tools: [...tools, custom("rain")] }, "invalid_value", "tools[2].custom.name"],
  [{ tools: [...tools, tool("rain")] }, "invalid_value", "tools[2].function.name"],
  [
    { tools: [{ type: "function", function: { name: "rain", parameters: { type: "string" } } }] },
    "invalid_value",
    "tools[0].function.parameters",
  ],
  [{ tools: many }, "invalid_value", "tools"],
  [
    { response_format: { type: "json_schema", json_schema: { name: "n" } } },
    "missing_required_parameter",
    "response_format.json_schema.schema",
  ],
])("%j is refused", (body, code, param) => {
  expect(() => decode(body)).toThrow(AiError);
  expect(() => decode(body)).toThrow(expect.objectContaining({ code, param }));
});

test.each([
  [{}, { type: "text" }],
  [{ response_format: { type: "text" } }, { type: "text" }],
  [{ response_format: { type: "json_object" } }, { type: "json-object" }],
  [
    { response_format: { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } } },
    { type: "json-schema", schema: { type: "object" }, isStrict: false },
  ],
  [
    { response_format: { type: "json_schema", json_schema: { name: "n", strict: true, schema: {} } } },
    { type: "json-schema", schema: {}, isStrict: true },
  ],
])("%j asks for %j", (body, format) => {
  expect(decodeOutput(body).format).toEqual(format);
});

test.each([
  [{}, null],
  [{ logprobs: false }, null],
  [{ logprobs: true }, 0],
  [{ logprobs: true, top_logprobs: 5 }, 5],
])("%j asks for %s alternatives", (body, expected) => {
  expect(decode(body).topLogprobs).toBe(expected);
});

test.each([
  [{}, null],
  [{ reasoning_effort: null }, null],
  [{ reasoning_effort: "none" }, "none"],
  [{ reasoning_effort: "high" }, "high"],
])("with %j the engine gets the reasoning effort %s", (body, expected) => {
  expect(decodeOutput(body).reasoningEffort).toBe(expected);
});
