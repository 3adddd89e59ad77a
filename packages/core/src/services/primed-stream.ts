/**
 * A stream whose first item was asked for at once. A generator that was never started runs none of its `finally`
 * blocks, so a consumer that leaves before the first item would keep what the generator holds; a primed one is always
 * started, and leaving it always cleans up.
 */
export async function primeStream<Item>(generator: AsyncGenerator<Item, void>): Promise<AsyncIterableIterator<Item>> {
  let first: IteratorResult<Item> | null = await generator.next();
  const primed: AsyncIterableIterator<Item> = {
    async next() {
      if (first === null) return generator.next();
      const result = first;
      first = null;
      return result;
    },
    async return() {
      first = null;
      await generator.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return primed;
    },
  };
  return primed;
}
