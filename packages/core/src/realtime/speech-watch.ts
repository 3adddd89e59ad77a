/**
 * Has the detector of an engine watch the audio of a session. One that breaks is begun anew, a few times: a process that
 * was lost is there again soon.
 */

import { AiError, toAiError } from "../ai-error.ts";
import type { LiveTranscription, SpeechBoundary, SpeechDetection } from "../engine/transcription-engine.ts";
import type { AudioReader, AudioTimeline } from "./audio-timeline.ts";
import { SAMPLES_PER_MS } from "./live-turn.ts";

export interface SpeechWatchOptions {
  readonly timeline: AudioTimeline;
  readonly live: LiveTranscription;
  readonly detection: SpeechDetection;
  /** Called with times of the session. */
  readonly onBoundary: (boundary: SpeechBoundary) => void;
  /**
   * Called when the detector broke: it knows nothing of speech that has begun.
   *
   * @returns the sample up to which turns have taken the audio: nothing before it is heard again
   */
  readonly onLost: () => number;
  /** Called when it is given up. */
  readonly onFailed: (error: AiError) => void;
}

export interface SpeechWatch {
  /** Of the detector: what it has been given. */
  readonly reader: AudioReader;
  stop(): void;
  /** Resolves when the engine has ended it too. */
  readonly ended: Promise<void>;
}

/** Pauses before a detector is begun anew: after the first failure in a row, the second and so on. */
const RETRY_PAUSES_MS = [50, 500, 2000, 6000];
/** What a broken detector had heard last is heard again. */
const HEARD_AGAIN_SAMPLES = 1000 * SAMPLES_PER_MS;

export function watchSpeech(options: SpeechWatchOptions): SpeechWatch {
  const { timeline } = options;
  const stopped = new AbortController();
  let reader = timeline.read(timeline.end);

  async function run(): Promise<void> {
    for (let failures = 0; !stopped.signal.aborted;) {
      const from = reader.position;
      const failure = await listen(options, reader, stopped.signal);
      if (stopped.signal.aborted) return;
      // One that has listened for a while was well.
      if (reader.position - from > HEARD_AGAIN_SAMPLES) failures = 0;
      const pauseMs = RETRY_PAUSES_MS[failures];
      if (pauseMs === undefined) return options.onFailed(failure);
      const takenUntil = options.onLost();
      failures += 1;
      const again = timeline.read(Math.max(takenUntil, reader.position - HEARD_AGAIN_SAMPLES));
      reader.close();
      reader = again;
      await pause(pauseMs, stopped.signal);
    }
  }

  const ended = run().finally(() => reader.close());
  return {
    ended,
    get reader() {
      return reader;
    },
    stop() {
      stopped.abort(new AiError("cancelled", "The session listens no more."));
      reader.close();
    },
  };
}

/** Ends early with an abort. */
function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, pauseMs);
    const end = () => {
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", end, { once: true });
  });
}

/** @returns why it ended */
async function listen(
  { live, detection, onBoundary }: SpeechWatchOptions,
  reader: AudioReader,
  signal: AbortSignal,
): Promise<AiError> {
  const fromMs = Math.round(reader.position / SAMPLES_PER_MS);
  try {
    for await (const boundary of live.detectSpeech(reader.pieces, detection, signal)) {
      if (signal.aborted) break;
      onBoundary({ ...boundary, atMs: fromMs + boundary.atMs });
    }
    return new AiError("engine_failed", "The detection of speech ended before its audio.");
  } catch (thrown) {
    return toAiError(thrown, signal);
  }
}
