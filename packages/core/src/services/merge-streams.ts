/**
 * Several streams as one, each item passed on as soon as it exists; one item of each source is read ahead, no more.
 * Above all, the generations of one call.
 */

import type { CallSlots } from "../admission/call-slots.ts";
import type { ChatEngine, GenerationEvent, GenerationRequest } from "../engine/chat-engine.ts";

export interface MergeOptions {
  /** How many sources are read at a time; the next begins when one has ended. Default: all. */
  readonly openMax?: number;
  readonly onEnd?: () => void;
}

interface Arrival<Item> {
  readonly source: AsyncIterator<Item>;
  readonly result: IteratorResult<Item> | null;
  readonly error: unknown;
}

/**
 * Items of one source keep their order; between sources the order is that of arrival. The first error ends the whole
 * stream. However it ends, `onEnd` is called first, then `return` on every source: a source that is in the middle of an
 * item takes its `return` only after it, so `onEnd` is where to abort it.
 */
export async function* mergeStreams<Item>(
  streams: readonly AsyncIterable<Item>[],
  { openMax = streams.length, onEnd }: MergeOptions = {},
): AsyncGenerator<Item, void> {
  const sources = streams.map((stream) => stream[Symbol.asyncIterator]());
  const arrivals: Arrival<Item>[] = [];
  let wake: () => void = () => {};
  const pull = (source: AsyncIterator<Item>) => {
    source.next().then(
      (result) => {
        arrivals.push({ source, result, error: null });
        wake();
      },
      (error: unknown) => {
        arrivals.push({ source, result: null, error });
        wake();
      },
    );
  };
  const waiting = sources.slice(openMax).values();
  let open = sources.length;
  try {
    for (const source of sources.slice(0, openMax)) pull(source);
    while (open > 0) {
      const arrival = arrivals.shift();
      if (arrival === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        continue;
      }
      if (arrival.result === null) throw arrival.error;
      if (arrival.result.done === true) {
        open -= 1;
        const next = waiting.next();
        if (next.done !== true) pull(next.value);
        continue;
      }
      yield arrival.result.value;
      pull(arrival.source);
    }
  } finally {
    onEnd?.();
    await Promise.allSettled(sources.map(async (source) => source.return?.()));
  }
}

export interface TaggedGeneration<Tag> {
  /** Whatever its events are to be known by. */
  readonly tag: Tag;
  readonly request: GenerationRequest;
}

export interface TaggedEvent<Tag> {
  readonly tag: Tag;
  readonly event: GenerationEvent;
}

interface MergeGenerationsOptions {
  /** The call's. */
  readonly signal: AbortSignal;
  /** The call's. Each generation holds one from its beginning to its end. */
  readonly slots: CallSlots;
  readonly engine: Pick<ChatEngine, "generate">;
  /** Of the model. */
  readonly concurrency: number;
}

/** However it ends, all of its generations have ended by then. */
export async function* mergeGenerations<Tag>(
  generations: readonly TaggedGeneration<Tag>[],
  options: MergeGenerationsOptions,
): AsyncGenerator<TaggedEvent<Tag>, void> {
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, ended.signal]);
  const streams = generations.map((generation) => tagEvents(generation, { ...options, signal }));
  // One more than can run: when a generation ends, the call's next one is in the queue already, before the account's
  // new calls. `onEnd` comes before the generations are closed one by one: one that still reads its prompt must not
  // finish that first.
  yield* mergeStreams(streams, { openMax: options.concurrency + 1, onEnd: () => ended.abort() });
}

async function* tagEvents<Tag>(
  { tag, request }: TaggedGeneration<Tag>,
  { engine, slots, signal }: MergeGenerationsOptions,
): AsyncGenerator<TaggedEvent<Tag>, void> {
  const release = await slots.take(signal);
  try {
    for await (const event of engine.generate(request, signal)) yield { tag, event };
  } finally {
    release();
  }
}
