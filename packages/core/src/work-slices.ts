/**
 * Cuts long work on the event loop into slices of a few milliseconds. All slices of the process take turns, one in each
 * round of the event loop: however many calls have long work at once, what else is due waits for one slice.
 */

/** Long enough that yielding costs little, short enough that other calls don't notice. */
const SLICE_MS = 5;

export interface WorkSlices {
  /**
   * Whether the slice has lasted long enough: then `await next()`. Ask it between two steps that take well below a
   * slice.
   */
  readonly isOver: boolean;
  /**
   * Lets the event loop run what is due, and begins the next slice.
   *
   * @throws the signal's reason when it has aborted
   */
  next(): Promise<void>;
}

export interface WorkSlicesOptions {
  /** Of the call that the work is for. Default: none, for work that ends by itself. */
  readonly signal?: AbortSignal;
  /** Milliseconds since any moment. Default: the clock. */
  readonly now?: () => number;
}

/** The first slice begins now. */
export function createWorkSlices({ signal, now = readClock }: WorkSlicesOptions): WorkSlices {
  return new Slices(signal ?? null, now);
}

const readClock = () => performance.now();

/** A class, as one is made for each call: an object literal with a getter takes V8 twenty times as long. */
class Slices implements WorkSlices {
  readonly #signal: AbortSignal | null;
  readonly #now: () => number;
  #startedAt: number;

  constructor(signal: AbortSignal | null, now: () => number) {
    this.#signal = signal;
    this.#now = now;
    this.#startedAt = now();
  }

  get isOver(): boolean {
    return this.#now() - this.#startedAt >= SLICE_MS;
  }

  async next(): Promise<void> {
    await takeTurn();
    this.#signal?.throwIfAborted();
    this.#startedAt = this.#now();
  }
}

const waiting: (() => void)[] = [];

/** `setImmediate` alone would run all that wait in the same round. */
async function takeTurn(): Promise<void> {
  await new Promise<void>((resolve) => {
    waiting.push(resolve);
    if (waiting.length === 1) setImmediate(startNext);
  });
}

function startNext(): void {
  waiting.shift()?.();
  if (waiting.length > 0) setImmediate(startNext);
}
