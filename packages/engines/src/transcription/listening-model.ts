/** The functions of a process that transcribes audio, fed piece by piece. */

import type { TranscriptionEvent, TranscriptionOptions } from "@openai-compat/core";
import type { NativeAnswer, NativeModel, NativeStream } from "../host/native-model.ts";

/** Comes first: from then on the session can be fed. */
export interface SessionReady {
  readonly type: "ready";
}

/** A stream that is fed audio, under the name of its session. */
export type FedStream<Options, Event> = NativeStream<
  { readonly session: string; readonly options: Options },
  Event | SessionReady
>;

/** What a process that transcribes can do. */
export interface ListeningModel extends NativeModel {
  readonly answers: {
    /** Samples of 16 kHz, mono. Resolves when they have been taken: the next ones may follow. */
    readonly feed: NativeAnswer<{ readonly session: string; readonly samples: Float32Array }, void>;
    /** All has been fed. */
    readonly finish: NativeAnswer<{ readonly session: string }, void>;
  };
  readonly streams: {
    readonly transcribe: FedStream<TranscriptionOptions, TranscriptionEvent>;
  };
}
