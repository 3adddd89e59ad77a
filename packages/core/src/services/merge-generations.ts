/** The generations of one call side by side, as one stream. */

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
  /** How many run at a time. Default: all, of which the engine makes wait whom it has no place for. */
  readonly openMax?: number;
}

/** However it ends, all of its generations have ended by then. */
export async function* mergeGenerations<Tag>(
  engine: Pick<ChatEngine, "generate">,
  generations: readonly TaggedGeneration<Tag>[],
  options: MergeGenerationsOptions,
): AsyncGenerator<TaggedEvent<Tag>, void> {
  const { openMax = generations.length } = options;
  const left = new AbortController();
  const signal = AbortSignal.any([options.signal, left.signal]);
  const streams = generations.map((generation) => tagEvents(engine, generation, signal));
  // Before the generations are left one by one: one that still reads its prompt must not finish that first.
  yield* mergeStreams(streams, { openMax, onEnd: () => left.abort() });
}

async function* tagEvents<Tag>(
  engine: Pick<ChatEngine, "generate">,
  { tag, request }: TaggedGeneration<Tag>,
  signal: AbortSignal,
): AsyncGenerator<TaggedEvent<Tag>, void> {
  for await (const event of engine.generate(request, signal)) yield { tag, event };
}
