/** Keeps values by key while there is capacity for them; the least recently used one is evicted first. */

export interface SizedCache<Value> {
  /** Counts as a use. */
  get(key: string): Value | undefined;
  /** A value that is larger than all of the capacity is not kept. */
  set(key: string, value: Value): void;
}

export interface SizedCacheOptions<Value> {
  readonly countMax: number;
  /** Of all values together. */
  readonly sizeMax: number;
  /** Always the same for a value. */
  readonly sizeOf: (value: Value) => number;
}

export function createSizedCache<Value>({ countMax, sizeMax, sizeOf }: SizedCacheOptions<Value>): SizedCache<Value> {
  /** Least recently used first. */
  const kept = new Map<string, { readonly value: Value; readonly size: number }>();
  let size = 0;

  function remove(key: string): Value | undefined {
    const entry = kept.get(key);
    if (entry === undefined) return undefined;
    kept.delete(key);
    size -= entry.size;
    return entry.value;
  }

  function set(key: string, value: Value): void {
    remove(key);
    const entry = { value, size: sizeOf(value) };
    kept.set(key, entry);
    size += entry.size;
    for (const oldest of kept.keys()) {
      if (kept.size <= countMax && size <= sizeMax) return;
      remove(oldest);
    }
  }

  return {
    get(key) {
      const value = remove(key);
      if (value !== undefined) set(key, value);
      return value;
    },
    set,
  };
}
