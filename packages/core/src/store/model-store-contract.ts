/** The suite that every `ModelStore` passes. Import it from a test file only. */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import type { ModelStore, NewStoredModel } from "./model-store.ts";

/** @param makeStore opens an empty store of its own each time. */
export function modelStoreContract(name: string, makeStore: () => ModelStore | Promise<ModelStore>): void {
  const open = openForEachTest(makeStore);
  keepsModels(name, open);
  countsRevisions(name, open);
}

type OpenStore = () => Promise<ModelStore>;

function keepsModels(name: string, open: OpenStore): void {
  test(`${name} gives models back as they were stored, the oldest first`, async () => {
    const store = await open();
    const second = makeModel("b", { createdAtMs: 20, secrets: "geheim-ü" });
    const first = makeModel("hub/a:1", { createdAtMs: 10, definition: '{"text":"ü \\u0000"}' });
    expect(await store.insert(second, 10)).toBe("stored");
    expect(await store.insert(first, 10)).toBe("stored");
    const { models, defaults } = await store.read();
    expect(models).toMatchObject([
      { ...first, updatedAtMs: 10 },
      { ...second, updatedAtMs: 20 },
    ]);
    expect(defaults).toEqual({});
  });

  test(`${name} keeps the first of two models with one id, and no more models than there may be`, async () => {
    const store = await open();
    expect(await store.insert(makeModel("a"), 2)).toBe("stored");
    expect(await store.insert(makeModel("a", { definition: "{}" }), 2)).toBe("taken");
    expect(await store.insert(makeModel("b"), 2)).toBe("stored");
    expect(await store.insert(makeModel("a"), 2)).toBe("taken");
    expect(await store.insert(makeModel("c"), 2)).toBe("full");
    expect((await store.read()).models.map(({ id, definition }) => [id, definition])).toEqual([
      ["a", '{"id":"a"}'],
      ["b", '{"id":"b"}'],
    ]);
    expect(await store.remove("a")).toBe(true);
    expect(await store.insert(makeModel("c"), 2)).toBe("stored");
  });

  test(`${name} changes a model once for each version of it`, async () => {
    const store = await open();
    await store.insert(makeModel("a", { secrets: "before" }), 10);
    const version = await versionOf(store, "a");
    const change = { id: "a", definition: '{"changed":true}', secrets: null, updatedAtMs: 99, version };
    expect(await store.update(change)).toBe(true);
    expect(await store.update({ ...change, definition: "{}" })).toBe(false);
    expect(await store.update({ ...change, id: "b" })).toBe(false);
    expect((await store.read()).models).toMatchObject([
      { definition: '{"changed":true}', secrets: null, createdAtMs: 1, updatedAtMs: 99 },
    ]);
    expect(await versionOf(store, "a")).not.toBe(version);
  });

  test(`${name} gives a model that is added again another version`, async () => {
    const store = await open();
    await store.insert(makeModel("a"), 10);
    const version = await versionOf(store, "a");
    await store.remove("a");
    await store.insert(makeModel("a"), 10);
    expect(await versionOf(store, "a")).not.toBe(version);
  });
}

function countsRevisions(name: string, open: OpenStore): void {
  test(`${name} has another revision after each change, and the same without one`, async () => {
    const store = await open();
    const seen = [await store.readRevision()];
    const look = async () => seen.push(await store.readRevision());
    await store.insert(makeModel("a"), 1);
    await look();
    await store.update({
      id: "a",
      definition: "{}",
      secrets: null,
      updatedAtMs: 2,
      version: await versionOf(store, "a"),
    });
    await look();
    await store.setDefault("chat", "a");
    await look();
    await store.remove("a");
    await look();
    expect(seen.toSorted((left, right) => left - right)).toEqual(seen);
    expect(new Set(seen).size).toBe(5);
    await store.insert(makeModel("b"), 0);
    await store.update({ id: "c", definition: "{}", secrets: null, updatedAtMs: 2, version: 1 });
    expect(await store.remove("c")).toBe(false);
    await store.read();
    expect(await store.readRevision()).toBe(seen.at(-1));
    expect((await store.read()).revision).toBe(seen.at(-1));
  });

  test(`${name} remembers one default for each type, until its model is removed`, async () => {
    const store = await open();
    await store.insert(makeModel("a"), 10);
    await store.setDefault("chat", "a");
    await store.setDefault("speech", "configured");
    expect((await store.read()).defaults).toEqual({ chat: "a", speech: "configured" });
    await store.setDefault("chat", "other");
    expect((await store.read()).defaults).toEqual({ chat: "other", speech: "configured" });
    await store.setDefault("chat", "a");
    await store.remove("a");
    expect((await store.read()).defaults).toEqual({ speech: "configured" });
  });
}

function makeModel(id: string, overrides: Partial<NewStoredModel> = {}): NewStoredModel {
  return { id, definition: JSON.stringify({ id }), secrets: null, createdAtMs: 1, ...overrides };
}

async function versionOf(store: ModelStore, id: string): Promise<number> {
  return (await store.read()).models.find((model) => model.id === id)?.version ?? Number.NaN;
}
