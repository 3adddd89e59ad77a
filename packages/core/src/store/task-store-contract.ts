/** The suite that every `TaskStore` passes. Import it from a test file only. */

import { expect, test } from "vitest";
import { openForEachTest } from "../testing/open-for-each-test.ts";
import type { StoredTask, TaskStore } from "./task-store.ts";

/** @param makeStore opens an empty store of its own each time. */
export function taskStoreContract(name: string, makeStore: () => TaskStore | Promise<TaskStore>): void {
  const open = openForEachTest(makeStore);

  test(`${name} gives tasks back as they were stored, the oldest first`, async () => {
    const store = await open();
    const second = makeTask("2", { createdAtMs: 20 });
    const first = makeTask("1", { systemPrompt: "ü\0 \u{1F600}", examples: [{ prompt: "", answer: "Sí\n" }] });
    for (const task of [second, first]) expect(await store.insert(task, 10)).toBe(true);
    expect(await store.list("ada")).toEqual([first, second]);
    expect(await store.find("ada", "1")).toEqual(first);
    expect(await store.find("ada", "3")).toBeNull();
  });

  test(`${name} shows, changes and removes no task for another account`, async () => {
    const store = await open();
    const task = makeTask("1");
    await store.insert(task, 10);
    expect(await store.list("bob")).toEqual([]);
    expect(await store.find("bob", "1")).toBeNull();
    expect(await store.update({ ...task, accountId: "bob", name: "taken over" })).toBe(false);
    expect(await store.remove("bob", "1")).toBe(false);
    expect(await store.list("ada")).toEqual([task]);
  });

  test(`${name} stores no more tasks of an account than it may have`, async () => {
    const store = await open();
    expect(await store.insert(makeTask("1"), 2)).toBe(true);
    expect(await store.insert(makeTask("2"), 2)).toBe(true);
    expect(await store.insert(makeTask("3"), 2)).toBe(false);
    expect(await store.insert(makeTask("4", { accountId: "bob" }), 2)).toBe(true);
    expect(await store.remove("ada", "1")).toBe(true);
    expect(await store.insert(makeTask("3"), 2)).toBe(true);
    expect((await store.list("ada")).map(({ id }) => id)).toEqual(["2", "3"]);
  });

  test(`${name} refuses a second task with the same id, and keeps the first`, async () => {
    const store = await open();
    await store.insert(makeTask("1"), 10);
    await expect(store.insert(makeTask("1", { accountId: "bob" }), 10)).rejects.toThrow();
    expect(await store.list("bob")).toEqual([]);
    expect(await store.find("ada", "1")).toEqual(makeTask("1"));
  });

  test(`${name} changes everything of a task but when it was made`, async () => {
    const store = await open();
    await store.insert(makeTask("1"), 10);
    const changed = makeTask("1", { name: "n", modelId: "m", systemPrompt: "s", examples: [], updatedAtMs: 99 });
    expect(await store.update({ ...changed, createdAtMs: 50 })).toBe(true);
    expect(await store.find("ada", "1")).toEqual(changed);
    expect(await store.remove("ada", "1")).toBe(true);
    expect(await store.update(changed)).toBe(false);
    expect(await store.remove("ada", "1")).toBe(false);
  });
}

function makeTask(id: string, overrides: Partial<StoredTask> = {}): StoredTask {
  return {
    id,
    accountId: "ada",
    name: `task ${id}`,
    modelId: "default",
    systemPrompt: "Translate.",
    examples: [{ prompt: "Yes", answer: "Ja" }],
    createdAtMs: 1,
    updatedAtMs: 1,
    ...overrides,
  };
}
