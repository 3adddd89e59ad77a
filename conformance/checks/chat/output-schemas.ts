/**
 * Checks of what a strict JSON Schema may ask for, a keyword each. A server that can't enforce one may refuse it by
 * name, and never ignores it: each schema has values that an unconstrained model would not write.
 */

import { z } from "zod";
import { type Check, defineCheck } from "../../src/check.ts";
import type { JsonObject } from "../../src/expect.ts";
import { composeFormat, expectFormed, lotBasis, expectUpon } from "../support/formed-answers.ts";
import { closedObject, expectFits, expectJsonText, type Form, LOTS } from "../support/forms.ts";

const FORCED = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
  breaks:
    "Structured outputs: the SDK's parse, instructor and pydantic-ai throw on what they were promised, or worse, take it.",
} as const;

const LOT: JsonObject = { type: "string", enum: LOTS };
const lot = z.enum(LOTS);

type Case = Pick<Check, "id" | "requirement" | "reference"> & {
  level?: Check["level"];
  breaks?: string;
  /** Properties of the object that the answer has to be, all required. */
  properties?: JsonObject;
  schema?: JsonObject;
  shape: z.ZodType;
};

function defineSchemaCheck({ properties = {}, schema = closedObject(properties), shape, ...check }: Case): Check {
  const form: Form = { schema, shape };
  return defineCheck({
    ...FORCED,
    ...check,
    async run(context) {
      const text = await expectFormed(context, composeFormat(form));
      await expectUpon(lotBasis(context), () => expectFits(expectJsonText(text), form));
    },
  });
}

interface Chain {
  readonly lot: string;
  readonly next: Chain | null;
}

const chain: z.ZodType<Chain> = z.strictObject({
  lot,
  get next() {
    return chain.nullable();
  },
});

export const chatFormatSchemaChecks: readonly Check[] = [
  defineSchemaCheck({
    id: "chat.format.schema-const",
    requirement: "The answer conforms to `const`: it has no other value.",
    reference: "OpenAI structured outputs, supported schemas; JSON Schema 2020-12 validation, section 6.1.3",
    properties: { tray: { type: "string", const: "ossel-kx-19" } },
    shape: z.strictObject({ tray: z.literal("ossel-kx-19") }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-required",
    requirement: "All `required` properties are there, and no other where `additionalProperties` is false.",
    reference: "OpenAI structured outputs: all fields must be required; JSON Schema 2020-12 validation, section 6.5.3",
    properties: { quern: { type: "boolean" }, ossel: { type: "boolean" }, tarn: { type: "boolean" } },
    shape: z.strictObject({ quern: z.boolean(), ossel: z.boolean(), tarn: z.boolean() }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-optional",
    level: "should",
    requirement: "A property that is not required may be absent; where it is there, it fits.",
    reference: "JSON Schema 2020-12 validation, section 6.5.3",
    schema: closedObject({ tray: LOT, note: LOT }, ["tray"]),
    shape: z.strictObject({ tray: lot, note: lot.optional() }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-nullable",
    requirement: "The answer conforms to a list of types, such as integer or null.",
    reference: "OpenAI structured outputs: an optional parameter is a union with null",
    properties: { ossels: { type: ["integer", "null"] } },
    shape: z.strictObject({ ossels: z.int().nullable() }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-nested",
    requirement: "The answer conforms to objects in objects as well.",
    reference: "OpenAI structured outputs: nested objects; ggml-org/llama.cpp#11847",
    properties: { shelf: closedObject({ tray: closedObject({ lot: LOT }) }) },
    shape: z.strictObject({ shelf: z.strictObject({ tray: z.strictObject({ lot }) }) }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-items",
    requirement: "Arrays conform to their `items`.",
    reference: "OpenAI structured outputs, supported schemas; JSON Schema 2020-12 core, section 10.3.1",
    properties: { trays: { type: "array", items: closedObject({ lot: LOT }), minItems: 1, maxItems: 4 } },
    shape: z.strictObject({ trays: z.array(z.strictObject({ lot })) }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-array-bounds",
    level: "should",
    requirement: "Arrays conform to `minItems` and `maxItems`.",
    reference: "OpenAI structured outputs, supported properties of arrays; JSON Schema 2020-12 validation, section 6.4",
    properties: { trays: { type: "array", items: LOT, minItems: 5, maxItems: 5 } },
    shape: z.strictObject({ trays: z.array(lot).length(5) }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-any-of",
    requirement: "The answer conforms to one of the schemas in `anyOf`.",
    reference: "OpenAI structured outputs, supported types; JSON Schema 2020-12 core, section 10.2.1.2",
    properties: {
      find: { anyOf: [closedObject({ lot: LOT }), closedObject({ shelf: { type: "integer" }, tray: LOT })] },
    },
    shape: z.strictObject({
      find: z.union([z.strictObject({ lot }), z.strictObject({ shelf: z.int(), tray: lot })]),
    }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-definitions",
    requirement: "`$ref` leads to a schema in `$defs`, to which the answer conforms.",
    reference: "OpenAI structured outputs: definitions are supported; JSON Schema 2020-12 core, section 8.2.4",
    breaks: "zodResponseFormat and Pydantic write each class as a definition.",
    schema: {
      ...closedObject({ first: { $ref: "#/$defs/tray" }, second: { $ref: "#/$defs/tray" } }),
      $defs: { tray: closedObject({ lot: LOT }) },
    },
    shape: z.strictObject({ first: z.strictObject({ lot }), second: z.strictObject({ lot }) }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-recursion",
    level: "should",
    requirement: "The answer conforms to a schema that refers to itself.",
    reference: "OpenAI structured outputs: recursive schemas are supported",
    breaks: "Trees and nested lists, such as user interfaces that a model writes.",
    schema: {
      ...closedObject({ chain: { $ref: "#/$defs/chain" } }),
      $defs: { chain: closedObject({ lot: LOT, next: { anyOf: [{ $ref: "#/$defs/chain" }, { type: "null" }] } }) },
    },
    shape: z.strictObject({ chain }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-integer-range",
    level: "should",
    requirement: "An integer is whole and conforms to its `minimum` and `maximum`.",
    reference:
      "OpenAI structured outputs, supported properties of numbers; JSON Schema 2020-12 validation, section 6.2",
    properties: { ossels: { type: "integer", minimum: 7301, maximum: 7309 } },
    shape: z.strictObject({ ossels: z.int().min(7301).max(7309) }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-pattern",
    level: "should",
    requirement: "A string conforms to its `pattern`.",
    reference:
      "OpenAI structured outputs, supported properties of strings; JSON Schema 2020-12 validation, section 6.3.3",
    properties: { seal: { type: "string", pattern: "^Q[0-9]{4}-[xyz]$" } },
    shape: z.strictObject({ seal: z.string().regex(/^Q[0-9]{4}-[xyz]$/) }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-multiple-of",
    level: "should",
    requirement: "A number conforms to its `multipleOf`.",
    reference:
      "OpenAI structured outputs, supported properties of numbers; JSON Schema 2020-12 validation, section 6.2.1",
    properties: { grams: { type: "integer", minimum: 1000, maximum: 9999, multipleOf: 731 } },
    shape: z.strictObject({ grams: z.int().multipleOf(731) }),
  }),
  defineSchemaCheck({
    id: "chat.format.schema-unique-items",
    level: "should",
    requirement: "An array conforms to its `uniqueItems`.",
    reference: "JSON Schema 2020-12 validation, section 6.4.3",
    properties: { order: { type: "array", items: LOT, minItems: 3, maxItems: 3, uniqueItems: true } },
    shape: z.strictObject({
      order: z.array(lot).refine((items) => new Set(items).size === items.length, "the items are not unique"),
    }),
  }),
];
