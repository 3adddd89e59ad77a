/**
 * The audio of a session while somebody still needs it: samples of 16 kHz in the order in which they came, read by the
 * detector and by the turns at their own pace. Positions count from the first sample of the session.
 */

export interface AudioTimelineOptions {
  /**
   * Samples that are kept behind the newest one although nobody reads them, and behind the slowest reader: a turn begins
   * before what the detector says of it, however far behind the audio the detector is.
   */
  readonly lookback: number;
}

export interface AudioReader {
  /** Taken once, by one consumer. It ends at the end of the reader. */
  readonly pieces: AsyncIterable<Int16Array>;
  /** Of the next sample. */
  readonly position: number;
  /** The reader gets no sample from there on. @param position default: where the audio now ends */
  finish(position?: number): void;
  /** The audio is not needed any more: its iteration ends. */
  close(): void;
}

export interface AudioTimeline {
  /** Where the audio now ends. */
  readonly end: number;
  add(samples: Int16Array): void;
  /**
   * @param from a sample that is not kept any more: the first that is
   * @param leader reads ahead: this reader gets no sample before it, until it is finished or the leader closed
   */
  read(from: number, leader?: AudioReader | null): AudioReader;
  /** Resolves when no more than so many samples are kept for a reader that has not had them. */
  waitForRoom(samplesMax: number): Promise<void>;
}

/** Samples in one piece: half a second. A reader that lags takes larger ones than come. */
const PIECE_SAMPLES_MAX = 8000;

interface Chunk {
  readonly start: number;
  readonly samples: Int16Array;
}

export function createAudioTimeline(options: AudioTimelineOptions): AudioTimeline {
  return new Timeline(options);
}

class Timeline implements AudioTimeline {
  readonly #lookback: number;
  readonly #readers = new Set<Reader>();
  #chunks: Chunk[] = [];
  #end = 0;
  #waiting: { readonly samplesMax: number; readonly resolve: () => void }[] = [];

  constructor({ lookback }: AudioTimelineOptions) {
    this.#lookback = lookback;
  }

  get end(): number {
    return this.#end;
  }

  add(samples: Int16Array): void {
    if (samples.length === 0) return;
    this.#chunks.push({ start: this.#end, samples });
    this.#end += samples.length;
    this.#wakeReaders();
    this.#forget();
  }

  read(from: number, leader: AudioReader | null = null): AudioReader {
    const first = this.#chunks[0]?.start ?? this.#end;
    const reader = new Reader(this, Math.max(first, Math.min(from, this.#end)), leader);
    this.#readers.add(reader);
    return reader;
  }

  waitForRoom(samplesMax: number): Promise<void> {
    if (this.#measureBacklog() <= samplesMax) return Promise.resolve();
    return new Promise((resolve) => void this.#waiting.push({ samplesMax, resolve }));
  }

  /** At least one sample from the position on, and none from `until` on. */
  cut(position: number, until: number): Int16Array {
    const last = Math.min(until, position + PIECE_SAMPLES_MAX);
    const piece = new Int16Array(last - position);
    let index = this.#chunks.findLastIndex(({ start }) => start <= position);
    for (let at = position; at < last; index += 1) {
      const chunk = this.#chunks[index];
      if (chunk === undefined) break;
      const part = chunk.samples.subarray(at - chunk.start, last - chunk.start);
      piece.set(part, at - position);
      at += part.length;
    }
    return piece;
  }

  /** A reader has moved or is gone: those that it leads may go on, and there may be room. */
  onMove(reader: Reader): void {
    if (reader.isClosed) this.#readers.delete(reader);
    this.#wakeReaders();
    this.#forget();
    const backlog = this.#measureBacklog();
    const ready = this.#waiting.filter(({ samplesMax }) => backlog <= samplesMax);
    this.#waiting = this.#waiting.filter(({ samplesMax }) => backlog > samplesMax);
    for (const { resolve } of ready) resolve();
  }

  #wakeReaders(): void {
    for (const reader of this.#readers) reader.wake();
  }

  #measureBacklog(): number {
    let first = this.#end;
    for (const { position, last } of this.#readers) if (position < last) first = Math.min(first, position);
    return this.#end - first;
  }

  #forget(): void {
    let slowest = this.#end;
    for (const { position } of this.#readers) slowest = Math.min(slowest, position);
    const needed = slowest - this.#lookback;
    const count = this.#chunks.findIndex(({ start, samples }) => start + samples.length > needed);
    if (count > 0) this.#chunks.splice(0, count);
  }
}

class Reader implements AudioReader {
  readonly #timeline: Timeline;
  #leader: AudioReader | null;
  /** Where it ends; nothing is known of it yet while it is infinite. */
  last = Number.POSITIVE_INFINITY;
  position: number;
  isClosed = false;
  #wake: () => void = () => {};

  constructor(timeline: Timeline, position: number, leader: AudioReader | null) {
    this.#timeline = timeline;
    this.position = position;
    this.#leader = leader;
  }

  get pieces(): AsyncIterable<Int16Array> {
    return this.#iterate();
  }

  finish(position = this.#timeline.end): void {
    this.last = Math.max(this.position, position);
    this.#leader = null;
    this.wake();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.wake();
    this.#timeline.onMove(this);
  }

  wake(): void {
    this.#wake();
  }

  async *#iterate(): AsyncGenerator<Int16Array, void> {
    try {
      while (!this.isClosed && this.position < this.last) {
        const until = Math.min(this.last, this.#timeline.end, this.#readLeader());
        if (until <= this.position) {
          await new Promise<void>((resolve) => (this.#wake = resolve));
          continue;
        }
        const piece = this.#timeline.cut(this.position, until);
        this.position += piece.length;
        this.#timeline.onMove(this);
        yield piece;
      }
    } finally {
      this.close();
    }
  }

  #readLeader(): number {
    if (this.#leader === null || (this.#leader instanceof Reader && this.#leader.isClosed)) return Infinity;
    return this.#leader.position;
  }
}
