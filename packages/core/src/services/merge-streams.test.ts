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

test("only so many sources are read at a time, and the next begins as soon as one has ended", async () => {
  const log: string[] = [];
  async function* report(name: string, items: number): AsyncGenerator<number> {
    log.push(`${name} begins`);
    yield* listen(Array.from({ length: items }, (_, index) => index));
    log.push(`${name} ends`);
  }
  const sources = [report("short", 1), report("long", 20), report("late", 1), report("last", 1)];
  let items = 0;
  for await (const _ of mergeStreams(sources, { openMax: 2 })) items += 1;
  expect(items).toBe(23);
  expect(log.join(", ")).toBe(
    "short begins, long begins, short ends, late begins, late ends, last begins, last ends, long ends",
  );
});

test("a source whose turn never came is never begun", async () => {
  const begun: string[] = [];
  async function* report(name: string): AsyncGenerator<number> {
    begun.push(name);
    yield 1;
  }
  for await (const _ of mergeStreams(["a", "b", "c"].map(report), { openMax: 1 })) break;
  expect(begun).toEqual(["a"]);
});

test("ending the iteration early ends every source", async () => {
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

test("sources are aborted before they are returned, so that none has to finish its item first", async () => {
  const log: string[] = [];
  const source: AsyncIterableIterator<number> = {
    next: async () => ({ value: 1 }),
    async return() {
      log.push("return");
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => source,
  };
  for await (const _ of mergeStreams([source], { onEnd: () => log.push("onEnd") })) break;
  expect(log).toEqual(["onEnd", "return"]);
});
