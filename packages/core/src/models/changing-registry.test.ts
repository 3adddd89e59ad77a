import { expect, test } from "vitest";
import { createFakeChatEngine, fakeModel } from "../testing/fake-chat-engine.ts";
import { createModelRegistry } from "./registry.ts";

const named = (id: string, name = id, isDefault = false) => fakeModel(createFakeChatEngine(), { id, name, isDefault });

test("a model that is added is listed last and found at once, and a removed one no more", () => {
  const registry = createModelRegistry([named("a")]);
  const before = registry.list();
  registry.add(named("b", "B"));
  expect(registry.list().map(({ id }) => id)).toEqual(["a", "b"]);
  expect(registry.lookUp("B", "chat")?.id).toBe("b");
  expect(registry.remove("b").id).toBe("b");
  expect([registry.lookUp("b", "chat"), registry.lookUp("B", "chat")]).toEqual([null, null]);
  expect(before.map(({ id }) => id)).toEqual(["a"]);
});

test("an id is taken until its model is removed", () => {
  const registry = createModelRegistry([named("a")]);
  expect(() => registry.add(named("a"))).toThrow(/have the id "a"/);
  registry.remove("a");
  registry.add(named("a"));
  expect(registry.list()).toHaveLength(1);
});

test("a name goes to the next model that has it when the first is removed", () => {
  const registry = createModelRegistry([named("a", "same"), named("b", "same")]);
  expect(registry.lookUp("same", "chat")?.id).toBe("a");
  registry.remove("a");
  expect(registry.lookUp("same", "chat")?.id).toBe("b");
});

test("a replaced model keeps its place, and what was there is given back", () => {
  const [first, second] = [named("a", "before"), named("b")];
  const registry = createModelRegistry([first, second]);
  expect(registry.replace(named("a", "after"))).toBe(first);
  expect(registry.list().map(({ name }) => name)).toEqual(["after", "b"]);
  expect(registry.lookUp("before", "chat")).toBeNull();
});

test("a type has one default at most, which moves, and keeps its engine", () => {
  const first = named("a", "a", true);
  const registry = createModelRegistry([first, named("b")]);
  registry.setDefault("chat", "b");
  expect(registry.lookUp("default", "chat")?.id).toBe("b");
  expect(registry.list().map(({ isDefault }) => isDefault)).toEqual([false, true]);
  expect(registry.find("a").engine).toBe(first.engine);
  registry.setDefault("chat", null);
  expect(registry.lookUp("default", "chat")).toBeNull();
  registry.setDefault("chat", "a");
  registry.remove("a");
  expect(registry.lookUp("default", "chat")).toBeNull();
  expect(() => registry.setDefault("chat", "a")).toThrow(expect.objectContaining({ code: "model_not_found" }));
  expect(() => registry.setDefault("speech", "b")).toThrow(expect.objectContaining({ code: "wrong_model_type" }));
});

test("a change that can't be made changes nothing", () => {
  const registry = createModelRegistry([named("a", "a", true)]);
  const before = registry.list();
  expect(() => registry.add(named("b", "b", true))).toThrow(/marked as the default/);
  expect(() => registry.replace(named("c"))).toThrow(expect.objectContaining({ code: "model_not_found" }));
  expect(() => registry.remove("c")).toThrow(expect.objectContaining({ code: "model_not_found" }));
  expect(registry.list()).toBe(before);
});
