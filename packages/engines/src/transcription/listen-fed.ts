/** Audio on its way to a stream of a process: fed as fast as that process takes it, one piece ahead at most. */

import type { ListeningModel, FedStream, SessionReady } from "./listening-model.ts";
import { untilAborted } from "./until-aborted.ts";

export interface FedCall<Options, Event> {
  readonly answers: ListeningModel["answers"];
  readonly stream: FedStream<Options, Event>;
  readonly options: Options;
  /** 16-bit samples of 16 kHz. Their end is the end of the audio. */
  readonly pieces: AsyncIterable<Int16Array> | Iterable<Int16Array>;
}

const SAMPLE_SCALE = 32_768;

/** The stream's events. Ends with what the audio throws. */
export async function* listenFed<Options, Event extends { readonly type: string }>(
  call: FedCall<Options, Event>,
  signal: AbortSignal,
): AsyncGenerator<Event, void> {
  const session = crypto.randomUUID();
  const stopped = new AbortController();
  const stop = AbortSignal.any([signal, stopped.signal]);
  let feeding: Promise<void> = Promise.resolve();
  try {
    for await (const event of call.stream({ session, options: call.options }, stop)) {
      if (!isReady(event)) {
        yield event;
        continue;
      }
      // Audio that can't be fed would never end.
      feeding = feed(call, session, stop).catch((thrown: unknown) => stopped.abort(thrown));
    }
  } finally {
    stopped.abort();
    await feeding;
  }
}

function isReady(event: { readonly type: string }): event is SessionReady {
  return event.type === "ready";
}

async function feed<Options, Event>(
  { answers, pieces }: FedCall<Options, Event>,
  session: string,
  signal: AbortSignal,
): Promise<void> {
  for await (const piece of endOnAbort(pieces, signal)) {
    await answers.feed({ session, samples: scaleSamples(piece) }, signal);
  }
  await answers.finish({ session }, signal);
}

function scaleSamples(integers: Int16Array): Float32Array {
  const samples = new Float32Array(integers.length);
  for (let index = 0; index < samples.length; index += 1) samples[index] = (integers[index] ?? 0) / SAMPLE_SCALE;
  return samples;
}

/** Audio that doesn't come is not waited for after an abort. */
async function* endOnAbort(
  pieces: FedCall<unknown, unknown>["pieces"],
  signal: AbortSignal,
): AsyncGenerator<Int16Array, void> {
  if (Symbol.iterator in pieces) return yield* pieces;
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await untilAborted(iterator.next(), signal);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    // A source that waits for audio ends when its caller ends it.
    iterator.return?.().catch(() => {});
  }
}
