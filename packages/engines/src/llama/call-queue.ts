/** A queue whose items are taken round-robin across calls, FIFO within one; or the smallest first. */

export interface CallQueue<Item> {
  add(call: object | string, item: Item): void;
  /** Removing one that is not there changes nothing. */
  remove(call: object | string, item: Item): void;
  /** Removes and returns the next one; undefined where there is none. */
  take(): Item | undefined;
  /** The same for the smallest of those that are next in their calls; the longest unserved of equal ones. */
  takeSmallest(measure: (item: Item) => number): Item | undefined;
  readonly isEmpty: boolean;
}

export function createCallQueue<Item>(): CallQueue<Item> {
  /** By call, least recently served first. */
  const waiting = new Map<object | string, Set<Item>>();

  function remove(call: object | string, item: Item): void {
    const items = waiting.get(call);
    items?.delete(item);
    if (items?.size === 0) waiting.delete(call);
  }

  function takeSmallest(measure: (item: Item) => number): Item | undefined {
    let smallest: { call: object | string; items: Set<Item>; item: Item; size: number } | null = null;
    for (const [call, items] of waiting) {
      for (const item of items) {
        const size = measure(item);
        if (smallest === null || size < smallest.size) smallest = { call, items, item, size };
        break;
      }
    }
    if (smallest === null) return undefined;
    const { call, items, item } = smallest;
    remove(call, item);
    // Moves the call to the end of the queue.
    if (waiting.delete(call)) waiting.set(call, items);
    return item;
  }

  return {
    add(call, item) {
      const items = waiting.get(call) ?? new Set();
      waiting.set(call, items.add(item));
    },
    remove,
    take: () => takeSmallest(() => 0),
    takeSmallest,
    get isEmpty() {
      return waiting.size === 0;
    },
  };
}
