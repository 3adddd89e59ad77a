/** The generations of one call side by side, as one stream. */

import type { CallSlots } from "../admission/call-slots.ts";
import type { ChatEngine, GenerationEvent, GenerationRequest } from "../engine/chat-engine.ts";
import { mergeStreams } from "./merge-streams.ts";

export interface TaggedGeneration<Tag> {
  /** Whatever its events are to be known by. */
  readonly tag: Tag;
  readonly request: GenerationRequest;
}

export interface TaggedEvent<Tag> {
  readonly tag: Tag;
  readonly event: GenerationEvent;
}

export interface MergeGenerationsOptions {
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
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const streams = generations.map((generation) => tagEvents(generation, { ...options, signal }));
  // One more than can run: when a generation ends, the call's next one is in the queue already, before the account's
  // new calls. `onEnd` comes before the generations are closed one by one: one that still reads its prompt must not finish
  // that first.
  yield* mergeStreams(streams, { openMax: options.concurrency + 1, onEnd: () => left.abort() });
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
