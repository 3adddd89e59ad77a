/**
 * Checks of schemas as clients send them with tools that are not strict: there they are hints, and none is a reason to
 * refuse.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { JsonObject } from "../../src/expect.ts";
import { askChat, expectAccepted, FIRST_TOKEN } from "../support/chat-calls.ts";
import { throwIfNoTools } from "../support/tool-calls.ts";

const HINTS = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
  reference: "openai-node `shared.ts`, FunctionDefinition.strict: false by default; JSON Schema 2020-12, section 6.5",
  breaks:
    "Agents send the tools of all their servers with each request: one schema that is refused means no chat at all.",
} as const;

interface Case extends Pick<Check, "id" | "requirement"> {
  /** Of the arguments. */
  readonly properties: JsonObject;
  readonly rest?: JsonObject;
}

function defineHintCheck({ properties, rest = {}, ...check }: Case): Check {
  const parameters = { type: "object", properties, ...rest };
  const tool = { type: "function", function: { name: "weigh_ossel", description: "Weighs an ossel.", parameters } };
  return defineCheck({
    ...HINTS,
    ...check,
    async run(context) {
      const exchange = await askChat(context, { ...FIRST_TOKEN, tools: [tool] });
      if (exchange.response?.status !== 200) {
        const plain = {
          type: "function",
          function: { name: "weigh_ossel", parameters: { type: "object", properties: {} } },
        };
        throwIfNoTools(await askChat(context, { ...FIRST_TOKEN, tools: [plain] }));
      }
      await expectAccepted(context, exchange);
    },
  });
}

export const chatToolSchemaChecks: readonly Check[] = [
  defineHintCheck({
    id: "chat.tools.schema-hint",
    requirement: "A tool that is not strict may have a schema beyond the subset for strict ones.",
    properties: {
      lot: { not: { const: "ossel" } },
      tray: { oneOf: [{ type: "string" }, { enum: ["kx", 19] }] },
      notes: { type: "array", items: { type: "string" }, uniqueItems: true },
      by: { type: "object", patternProperties: { "^x-": { type: "string" } }, propertyNames: { type: "string" } },
    },
    rest: { dependentRequired: { lot: ["tray"] } },
  }),
  defineHintCheck({
    id: "chat.tools.schema-annotations",
    requirement: "Unknown keywords and formats are annotations: a tool may have them.",
    properties: {
      lot: { type: "string", errorMessage: "a lot, please", placeholder: "kx" },
      tray: { type: "string", format: "path" },
    },
    rest: { propertyOrdering: ["lot", "tray"], "x-order": 1 },
  }),
  defineHintCheck({
    id: "chat.tools.schema-long-limits",
    requirement: "Lengths and numbers of items may be limited in the thousands.",
    properties: {
      text: { type: "string", maxLength: 10_000 },
      notes: { type: "array", items: { type: "string" }, maxItems: 5000 },
    },
  }),
];
