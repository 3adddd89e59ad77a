/** The functions of a process that transcribes recordings, fed piece by piece. */

import type { TranscriptionEvent, TranscriptionOptions } from "@openai-compat/core";
import type { NativeAnswer, NativeModel, NativeStream } from "../host/native-model.ts";

/** `ready` comes first: from then on the session can be fed. */
type ListeningEvent = TranscriptionEvent | { readonly type: "ready" };

/** What a process that transcribes can do. */
export interface ListeningModel extends NativeModel {
  readonly answers: {
    /** Samples of 16 kHz, mono. Resolves when they have been taken: the next ones may follow. */
    readonly feed: NativeAnswer<{ readonly session: string; readonly samples: Float32Array }, void>;
    /** All has been fed. */
    readonly finish: NativeAnswer<{ readonly session: string }, void>;
  };
  readonly streams: {
    readonly transcribe: NativeStream<
      { readonly session: string; readonly options: TranscriptionOptions },
      ListeningEvent
    >;
  };
}
