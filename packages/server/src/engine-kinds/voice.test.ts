import { expect, test } from "vitest";
import { configSchema } from "../config.ts";
import { withOwnType } from "../model-config.ts";

function problemsOf(model: unknown): readonly string[] {
  return configSchema.safeParse({ models: [model] }).error?.issues.map(({ message }) => message) ?? [];
}

test.each(["hibari", "kokoro"])("the name %s alone is a speech model", (name) => {
  const [model] = configSchema.parse({ models: [name] }).models.map(withOwnType);
  expect(model).toMatchObject({ id: name, type: "speech", engine: { kind: "voice", model: name, voices: {} } });
});

test("a model of the catalogue needs no type, and its voices may have other names", () => {
  const engine = { kind: "voice", model: "kokoro", voices: { alloy: "am_adam" } };
  const [model] = configSchema.parse({ models: [{ id: "tts-1", engine }] }).models.map(withOwnType);
  expect(model).toMatchObject({ id: "tts-1", type: "speech", engine });
});

test("a name for a voice that the model doesn't have is refused with those that it has", () => {
  const engine = { kind: "voice", model: "hibari", voices: { alloy: "am_adam" } };
  expect(problemsOf({ id: "a", engine })).toEqual(['voices names "am_adam", and hibari has heart']);
  expect(problemsOf({ id: "a", engine: { kind: "voice", model: "other" } })).not.toEqual([]);
});
