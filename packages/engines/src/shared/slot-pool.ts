/**
 * A fixed set of slots with a FIFO queue; waiting can be aborted. It does not know what a slot is for.
 */

export interface SlotPool<Slot> {
  /**
   * Resolves with a free slot. `choose` picks among the free ones when there are several.
   *
   * @throws the signal's reason when it aborts first
   */
  acquire(signal: AbortSignal, choose?: (free: readonly Slot[]) => Slot | undefined): Promise<Slot>;
  /** Releases a slot: the longest waiter gets it at once. */
  release(slot: Slot): void;
}

export function createSlotPool<Slot extends {}>(slots: readonly Slot[]): SlotPool<Slot> {
  const free = [...slots];
  const waiting = new Set<(slot: Slot) => void>();
  return {
    async acquire(signal, choose) {
      signal.throwIfAborted();
      const [first] = free;
      if (first !== undefined) {
        const slot = choose?.(free) ?? first;
        free.splice(free.indexOf(slot), 1);
        return slot;
      }
      return new Promise<Slot>((resolve, reject) => {
        const take = (slot: Slot) => {
          signal.removeEventListener("abort", leave);
          resolve(slot);
        };
        const leave = () => {
          waiting.delete(take);
          const reason: unknown = signal.reason;
          reject(reason);
        };
        waiting.add(take);
        signal.addEventListener("abort", leave, { once: true });
      });
    },
    release(slot) {
      const [next] = waiting;
      if (next === undefined) {
        free.push(slot);
        return;
      }
      waiting.delete(next);
      next(slot);
    },
  };
}
