import fc from "fast-check";
import { expect, test } from "vitest";
import { createSavedPrefixes } from "./saved-prefixes.ts";
import type { SavedPrefixesOptions } from "./saved-prefixes.ts";

function createStore(options: Partial<SavedPrefixesOptions> = {}) {
  const open = new Set<string>();
  let files = 0;
  const store = createSavedPrefixes({
    bytesMax: 100,
    bytesPerToken: 10,
    async openFile() {
      const path = `file ${(files += 1)}`;
      open.add(path);
      return { path, close: async () => void open.delete(path) };
    },
    ...options,
  });
  const save = (
    text: string,
    { owner = null, readInChunks = 0 }: { owner?: string | null; readInChunks?: number } = {},
  ) =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a token is a branded number
    store.save({ tokens: toTokens(text) as never, owner, readInChunks }, async () => text.length * 10);
  const texts = () => store.list().map(({ tokens }) => tokens.map((token) => String.fromCodePoint(token)).join(""));
  return { store, open, save, texts };
}

const toTokens = (text: string) => Array.from(text, (character) => character.codePointAt(0) ?? 0);

test("the least recently used states go where there is no room, and their files are closed", async () => {
  const { store, open, save, texts } = createStore();
  const first = await save("aaaa");
  await save("bbbb");
  if (first !== null) store.touch(first);
  await save("cccc");
  expect(texts()).toEqual(["aaaa", "cccc"]);
  expect([...open]).toEqual(store.list().map(({ path }) => path));
  await store.close();
  expect([...open]).toEqual([]);
});

test("what is saved already is not written again, and a longer state takes the place of a shorter one", async () => {
  const { save, texts } = createStore();
  await save("abc");
  await save("abcd");
  await save("ab");
  expect(texts()).toEqual(["abcd"]);
  await save("abcd", { owner: "ada" });
  await save("abcde", { owner: "ada", readInChunks: 1 });
  await save("x");
  expect(texts()).toEqual(["abcd", "abcde", "x"]);
});

test("what can't fit is not written, and what turned out too large is not kept", async () => {
  const { store, open, save, texts } = createStore();
  await save("abc");
  expect(await save("01234567890")).toBeNull();
  expect(texts()).toEqual(["abc"]);
  expect(await store.save({ tokens: [], owner: "ada", readInChunks: 0 }, async () => 101)).toBeNull();
  expect([texts(), open.size]).toEqual([["abc"], 1]);
});

test("a state that can't be written leaves no file", async () => {
  const { store, open } = createStore();
  const failing = store.save({ tokens: [], owner: null, readInChunks: 0 }, async () => {
    throw new Error("no space");
  });
  await expect(failing).rejects.toThrow("no space");
  expect(open.size).toBe(0);
});

test("all states together never take more than their bytes, and every open file is listed", async () => {
  const texts = fc.array(fc.string({ unit: fc.constantFrom("a", "b"), maxLength: 14 }), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(texts, async (saved) => {
      const { store, open, save } = createStore();
      for (const text of saved) {
        await save(text, { owner: text.length % 2 === 0 ? "even" : "odd" });
        const bytes = store.list().reduce((sum, { tokens }) => sum + tokens.length * 10, 0);
        expect(bytes).toBeLessThanOrEqual(100);
        expect([...open].toSorted()).toEqual(
          store
            .list()
            .map(({ path }) => path)
            .toSorted(),
        );
      }
    }),
  );
});
