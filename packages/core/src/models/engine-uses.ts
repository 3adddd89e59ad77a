/**
 * Which engines are in use by calls, from the choice of a call's model to its end: an engine whose model was removed or
 * replaced is closed when the last of them has ended, and once.
 */

interface Closable {
  close(): Promise<void>;
}

/** Calling it again does nothing. */
export type ReleaseEngine = () => void;

export interface EngineUses {
  hold(engine: Closable): ReleaseEngine;
  /** Calls that use it, those that wait for a slot included. */
  count(engine: Closable): number;
  /** Closes it when no call uses it. @throws what the engine's `close` throws */
  closeUnused(engine: Closable): Promise<void>;
  /** Closes these, and those that `closeUnused` waits for, without waiting for calls. @returns what failed */
  closeAll(engines: readonly Closable[]): Promise<readonly unknown[]>;
}

interface Use {
  count: number;
  /** Null until it is closed. */
  closing: Promise<void> | null;
  /** Called when no call uses it any more. */
  onUnused: (() => void) | null;
}

export function createEngineUses(): EngineUses {
  const uses = new WeakMap<Closable, Use>();
  const retired = new Set<Closable>();
  const useOf = (engine: Closable): Use => {
    const known = uses.get(engine);
    if (known !== undefined) return known;
    const use = { count: 0, closing: null, onUnused: null };
    uses.set(engine, use);
    return use;
  };
  const close = (engine: Closable): Promise<void> => {
    const use = useOf(engine);
    retired.delete(engine);
    use.closing ??= engine.close();
    return use.closing;
  };
  return {
    hold(engine) {
      const use = useOf(engine);
      use.count += 1;
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        use.count -= 1;
        if (use.count === 0) use.onUnused?.();
      };
    },
    count: (engine) => useOf(engine).count,
    async closeUnused(engine) {
      const use = useOf(engine);
      if (use.count > 0 && use.closing === null) {
        retired.add(engine);
        await new Promise<void>((resolve) => {
          const before = use.onUnused;
          use.onUnused = () => {
            before?.();
            resolve();
          };
        });
      }
      await close(engine);
    },
    async closeAll(engines) {
      const all = new Set([...engines, ...retired]);
      const closings = await Promise.allSettled(Array.from(all, close));
      for (const engine of all) useOf(engine).onUnused?.();
      return closings.flatMap((closing) => (closing.status === "rejected" ? [closing.reason] : []));
    },
  };
}
