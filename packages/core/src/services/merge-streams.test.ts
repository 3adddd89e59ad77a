import fc from "fast-check";
import { expect, test } from "vitest";
import { mergeStreams } from "./merge-streams.ts";

async function* listen<Item>(items: readonly Item[], onEnd: () => void = () => {}) {
  try {
    for (const item of items) {
      await Promise.resolve();
      yield item;
    }
  } finally {
    onEnd();
  }
}

test("every item arrives once and each source keeps its order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.integer(), { maxLength: 6 }), { maxLength: 5 }), async (lists) => {
      const seen: number[][] = lists.map(() => []);
      const tagged = lists.map((list, source) => listen(list.map((value) => ({ source, value }))));
      for await (const { source, value } of mergeStreams(tagged)) seen[source]?.push(value);
      expect(seen).toEqual(lists);
    }),
  );
});

test("leaving early ends every source", async () => {
  const ended: string[] = [];
  const sources = ["a", "b"].map((name) => listen([1, 2, 3], () => ended.push(name)));
  for await (const _ of mergeStreams(sources)) break;
  expect(ended.sort()).toEqual(["a", "b"]);
});

test("the first error ends the stream and the other sources", async () => {
  let ended = false;
  async function* broken(): AsyncGenerator<number> {
    yield 1;
    throw new Error("broken");
  }
  const other = listen(
    Array.from({ length: 1000 }, (_, index) => index),
    () => (ended = true),
  );
  const consume = async () => {
    for await (const _ of mergeStreams([broken(), other]));
  };
  await expect(consume()).rejects.toThrow("broken");
  expect(ended).toBe(true);
});
