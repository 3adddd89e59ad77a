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
