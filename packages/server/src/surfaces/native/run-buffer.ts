/**
 * The events of one run: those that wait for their reader, and behind them those that it has got, for as long as they
 * fit, so that a reader which lost its connection finds them again. Bounded in bytes; whoever adds waits for room.
 */

export interface NumberedEvent<Event> {
  /** From 0. */
  readonly number: number;
  readonly event: Event;
}

export class RunBuffer<Event> {
  readonly #bytesMax: number;
  readonly #kept: { readonly event: Event; readonly bytes: number }[] = [];
  /** Of the first event that is kept. */
  #first = 0;
  /** What the reader gets next. */
  #cursor = 0;
  #bytes = 0;
  #unreadBytes = 0;
  #changed = Promise.withResolvers<void>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Whether a reader has got any of it. */
  get isRead(): boolean {
    return this.#cursor > 0;
  }

  /** Half of the room is for what waits; the other half, or more, for what was read. */
  get isFull(): boolean {
    return this.#unreadBytes * 2 >= this.#bytesMax;
  }

  add(event: Event): void {
    const bytes = Buffer.byteLength(JSON.stringify(event));
    this.#kept.push({ event, bytes });
    this.#bytes += bytes;
    this.#unreadBytes += bytes;
    while (this.#bytes > this.#bytesMax && this.#first < this.#cursor) this.#drop();
    this.notify();
  }

  /** @returns false where an event from there on is not kept any more, or was never made. */
  seek(number: number): boolean {
    if (number < this.#first || number > this.#first + this.#kept.length) return false;
    this.#cursor = number;
    this.#unreadBytes = this.#kept.slice(number - this.#first).reduce((sum, { bytes }) => sum + bytes, 0);
    return true;
  }

  /** The next event for the reader; null where none waits. */
  take(): NumberedEvent<Event> | null {
    const next = this.#kept[this.#cursor - this.#first];
    if (next === undefined) return null;
    const number = this.#cursor;
    this.#cursor += 1;
    this.#unreadBytes -= next.bytes;
    this.notify();
    return { number, event: next.event };
  }

  /** Resolves with the next change, of the events or of what was notified. */
  get changed(): Promise<void> {
    return this.#changed.promise;
  }

  notify(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  #drop(): void {
    const dropped = this.#kept.shift();
    if (dropped === undefined) return;
    this.#first += 1;
    this.#bytes -= dropped.bytes;
  }
}
