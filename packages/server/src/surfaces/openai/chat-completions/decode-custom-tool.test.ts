import { expect, test } from "vitest";
import { decodeCustomTool } from "./decode-custom-tool.ts";

const PARAM = "tools[0].custom";

function decodeRegex(definition: string) {
  return decodeCustomTool({ name: "t", format: { type: "grammar", grammar: { syntax: "regex", definition } } }, PARAM);
}

const parametersWith = (input: object) => ({
  type: "object",
  properties: { input: { type: "string", ...input } },
  required: ["input"],
  additionalProperties: false,
});

test.each([undefined, null, { type: "text" } as const])("with the format %j a custom tool takes any text", (format) => {
  expect(decodeCustomTool({ name: "patch", description: "Patches.", format }, PARAM)).toEqual({
    kind: "custom",
    name: "patch",
    description: "Patches.",
    parameters: parametersWith({ description: "The input, as free text." }),
    isStrict: true,
    schemaParam: "tools[0].custom.format.grammar.definition",
  });
});

test("a regular expression holds for the whole input, and the model is shown it as it was written", () => {
  const description = "The input. As a whole it has to match the regular expression on|off";
  expect(decodeRegex("on|off").parameters).toEqual(parametersWith({ description, pattern: "^(?:on|off)$" }));
});

test.each([
  ["(?P<y>\\d{4})\\-(?P<m>\\d\\d)", "(?<y>\\d{4})-(?<m>\\d\\d)"],
  ["[\\w\\-]+\\@[a\\&\\&b]", "[\\w\\-]+@[a&&b]"],
  ['\\"\\#\\ \\~\\/\\.\\\\\\-', '"# ~\\/\\.\\\\-'],
  ["[(?P<]\\.", "[(?P<]\\."],
  ["\\p{L}\\u{1F600}", "\\p{L}\\u{1F600}"],
])("what Rust writes differently, %s, is translated", (definition, expected) => {
  const pattern = `^(?:${expected})$`;
  expect(decodeRegex(definition).parameters).toMatchObject({ properties: { input: { pattern } } });
});

test.each(["a)|(?:b", "(", "[a", "a{2,1}", "(?i)a", "\\Aa\\z", "[[:alpha:]]", "[a-z&&[^b]]", "\\x{41}", "a\\", "\\<a"])(
  "what is no regular expression here, %s, is refused by name",
  (definition) => {
    expect(() => decodeRegex(definition)).toThrow(
      expect.objectContaining({ code: "invalid_value", param: `${PARAM}.format.grammar.definition` }),
    );
  },
);

test("a regular expression has so many characters and no more", () => {
  expect(() => decodeRegex("a".repeat(3000))).not.toThrow();
  expect(() => decodeRegex("a".repeat(3001))).toThrow(/at most 3000 characters/);
});

test("another grammar is refused by name, with what is supported", () => {
  const grammar = { syntax: "lark", definition: 'start: "a"' } as const;
  expect(() => decodeCustomTool({ name: "t", format: { type: "grammar", grammar } }, PARAM)).toThrow(
    expect.objectContaining({
      code: "unsupported_value",
      param: `${PARAM}.format.grammar.syntax`,
      message: expect.stringMatching(/'lark'.*Supported: 'regex'/),
    }),
  );
});
