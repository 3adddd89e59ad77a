/**
 * Something costly that is loaded by its first user, shared by all, and unloaded once the last one has left. It knows
 * nothing of what it loads.
 */

export interface LazyResource<Value> {
  /**
   * Loads on the first call; concurrent first calls share one load. Call `release` exactly once.
   *
   * @throws what the load threw, also to every call within the retry delay after it; the signal's reason
   */
  acquire(signal: AbortSignal): Promise<{ readonly value: Value; readonly release: () => void }>;
  /** Waits until every lease is back and all is unloaded, what an earlier call closes included. A later `acquire` loads afresh. */
  close(): Promise<void>;
}

export interface LazyResourceOptions<Value> {
  readonly load: () => Promise<Value>;
  readonly unload: (value: Value) => Promise<void>;
  /** For how long a failed load is answered from memory. */
  readonly retryDelayMs: number;
  /** Milliseconds, monotonic. Default: `performance.now`. */
  readonly now?: () => number;
}

interface Holder<Value> {
  readonly loading: Promise<Value>;
  readonly leases: Set<Promise<void>>;
  failedAtMs: number | null;
}

export function createLazyResource<Value>(options: LazyResourceOptions<Value>): LazyResource<Value> {
  const now = options.now ?? (() => performance.now());
  let current: Holder<Value> | null = null;
  let closing: Promise<unknown> = Promise.resolve();

  function open(): Holder<Value> {
    const holder: Holder<Value> = { loading: options.load(), leases: new Set(), failedAtMs: null };
    holder.loading.catch(() => (holder.failedAtMs = now()));
    return holder;
  }

  async function unload(holder: Holder<Value>): Promise<void> {
    const [loaded] = await Promise.allSettled([holder.loading]);
    while (holder.leases.size > 0) await Promise.all(holder.leases);
    if (loaded.status === "fulfilled") await options.unload(loaded.value);
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (current === null || isStale(current, now() - options.retryDelayMs)) current = open();
      const holder = current;
      const { promise: ended, resolve: end } = Promise.withResolvers<void>();
      const release = () => {
        holder.leases.delete(ended);
        end();
      };
      holder.leases.add(ended);
      try {
        return { value: await untilAborted(holder.loading, signal), release };
      } catch (error) {
        release();
        throw error;
      }
    },
    async close() {
      const holder = current;
      current = null;
      const closingBefore = closing;
      const unloading = holder === null ? Promise.resolve() : unload(holder);
      closing = Promise.allSettled([closingBefore, unloading]);
      await closingBefore;
      await unloading;
    },
  };
}

function isStale(holder: Holder<unknown>, retryFromMs: number): boolean {
  return holder.failedAtMs !== null && holder.failedAtMs <= retryFromMs;
}

async function untilAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
