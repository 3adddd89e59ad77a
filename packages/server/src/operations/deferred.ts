/** Something that the first answer does not need and must not wait for: loaded on the first use, then used in order. */

export interface Deferred<Value> {
  /** Loads it where that has not happened. Every call gets the same value. */
  get(): Promise<Value>;
  /** Uses it: at once when it is there, else as soon as it is. A failure to load has been reported to `onError`. */
  use(action: (value: Value) => void): void;
}

/** Actions that may wait for a load; it takes tens of milliseconds, so more would mean that it hangs. */
const WAITING_MAX = 10_000;

export function createDeferred<Value>(load: () => Promise<Value>, onError: (thrown: unknown) => void): Deferred<Value> {
  let loading: Promise<Value> | null = null;
  let loaded: { readonly value: Value } | null = null;
  const waiting: ((value: Value) => void)[] = [];

  async function loadNow(): Promise<Value> {
    const value = await load();
    loaded = { value };
    for (const action of waiting.splice(0)) action(value);
    return value;
  }

  function get(): Promise<Value> {
    loading ??= loadNow();
    return loading;
  }

  return {
    get,
    use(action) {
      if (loaded !== null) {
        action(loaded.value);
        return;
      }
      if (waiting.length < WAITING_MAX) waiting.push(action);
      if (loading === null) get().catch(onError);
    },
  };
}
