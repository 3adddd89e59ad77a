import { expect, test } from "vitest";
import { createFakeChatEngine, fakeModel } from "../testing/fake-chat-engine.ts";
import { createModelRegistry, requireModel } from "./registry.ts";

const engine = createFakeChatEngine();
const named = (id: string, name: string, isDefault = false) => fakeModel(engine, { id, name, isDefault });

test("an exact id wins over an exact name, and a name over the keyword", () => {
  const registry = createModelRegistry([named("a", "b"), named("b", "default"), named("c", "c", true)]);
  expect(registry.lookUp("b", "chat")?.id).toBe("b");
  expect(registry.lookUp("default", "chat")?.id).toBe("b");
});

test("the keyword default finds the default model of the type", () => {
  const registry = createModelRegistry([named("a", "A"), named("b", "B", true)]);
  expect(registry.lookUp("default", "chat")?.id).toBe("b");
});

test.each(["A", "a ", "openai/a", "", "default"])("the selector %j is no model", (selector) => {
  const registry = createModelRegistry([named("a", "Model A")]);
  const model = registry.lookUp(selector, "chat");
  expect(model).toBeNull();
  expect(() => requireModel(model, { selector, type: "chat" })).toThrow(
    expect.objectContaining({ code: "model_not_found", param: "model" }),
  );
});

test("retrieving finds ids alone", () => {
  const registry = createModelRegistry([named("a", "A", true)]);
  expect(registry.find("a").id).toBe("a");
  expect(() => registry.find("A")).toThrow(expect.objectContaining({ code: "model_not_found" }));
  expect(() => registry.find("default")).toThrow(expect.objectContaining({ code: "model_not_found" }));
});

test("two models with one id, or two defaults, stop the server from starting", () => {
  expect(() => createModelRegistry([named("a", "A"), named("a", "B")])).toThrow(/have the id "a"/);
  expect(() => createModelRegistry([named("a", "A", true), named("b", "B", true)])).toThrow(/marked as the default/);
});

test("an alias means a model of its type, after ids, names and the keyword, and is no model of its own", () => {
  const hears = { ...named("hears", "Hears", true), type: "transcription" as const };
  const aliases = { transcription: { "whisper-1": "default", b: "hears", "old-name": "Hears" } };
  const registry = createModelRegistry([named("a", "A", true), named("b", "B"), hears], aliases);
  expect(registry.lookUp("whisper-1", "transcription")?.id).toBe("hears");
  expect(registry.lookUp("old-name", "transcription")?.id).toBe("hears");
  expect(registry.lookUp("whisper-1", "chat")).toBeNull();
  expect(registry.lookUp("b", "transcription")?.id).toBe("b");
  expect(registry.list().map(({ id }) => id)).toEqual(["a", "b", "hears"]);
  expect(() => registry.find("whisper-1")).toThrow(expect.objectContaining({ code: "model_not_found" }));
});

test("an alias of what is not there, or of a model of another type, is no model", () => {
  const aliases = { transcription: { "whisper-1": "default", other: "a", lost: "gone", again: "whisper-1" } };
  const registry = createModelRegistry([named("a", "A", true)], aliases);
  for (const selector of ["whisper-1", "other", "lost", "again", "constructor", "__proto__"]) {
    expect(registry.lookUp(selector, "transcription")).toBeNull();
  }
});
