/** A transcription engine for live audio, for tests: what is not zero is speech, and each 100 ms of it are a word. */

import type {
  LiveEvent,
  LiveTranscription,
  SpeechBoundary,
  TranscriptionEngine,
} from "../engine/transcription-engine.ts";

const SAMPLES_PER_MS = 16;
const WORD_MS = 100;

export interface FakeLiveOptions {
  readonly turns?: number;
  /** Called before a turn's text is begun. */
  readonly onTurn?: (signal: AbortSignal) => Promise<void>;
  /** Called after each piece that was heard, with how much of its turn has been. */
  readonly onHeard?: (heardMs: number) => Promise<void>;
  /** Whether a turn goes on when its audio has ended, until it is aborted. */
  readonly endsNever?: boolean;
  /** Called after each piece that the detector has had. */
  readonly onDetected?: (atMs: number) => Promise<void>;
}

export function createFakeLiveEngine(options: FakeLiveOptions = {}): TranscriptionEngine {
  const { turns = 4 } = options;
  return {
    type: "transcription",
    limits: { concurrency: 1 },
    prepare: () => Promise.reject(new Error("It has no recordings.")),
    transcribe: () => {
      throw new Error("It has no recordings.");
    },
    live: {
      turns,
      detectSpeech: (audio, { silenceMs }) => detect(audio, silenceMs, options),
      transcribe: (audio, _options, signal) => listen(audio, signal, options),
    },
    release: () => {},
    close: async () => {},
  } satisfies TranscriptionEngine & { readonly live: LiveTranscription };
}

async function* detect(
  audio: AsyncIterable<Int16Array>,
  silenceMs: number,
  { onDetected = async () => {} }: FakeLiveOptions,
): AsyncGenerator<SpeechBoundary, void> {
  let samples = 0;
  let speechEnd: number | null = null;
  for await (const piece of audio) {
    for (const sample of piece) {
      samples += 1;
      if (sample !== 0) {
        if (speechEnd === null) yield { type: "speech-started", atMs: Math.floor((samples - 1) / SAMPLES_PER_MS) };
        speechEnd = samples;
      } else if (speechEnd !== null && samples - speechEnd >= silenceMs * SAMPLES_PER_MS) {
        yield { type: "speech-stopped", atMs: Math.ceil(speechEnd / SAMPLES_PER_MS) };
        speechEnd = null;
      }
    }
    await onDetected(Math.ceil(samples / SAMPLES_PER_MS));
  }
}

async function* listen(
  audio: AsyncIterable<Int16Array>,
  signal: AbortSignal,
  { onTurn = async () => {}, onHeard = async () => {}, endsNever = false }: FakeLiveOptions,
): AsyncGenerator<LiveEvent, void> {
  await onTurn(signal);
  let samples = 0;
  let loud = 0;
  let words = 0;
  for await (const piece of audio) {
    signal.throwIfAborted();
    samples += piece.length;
    for (const sample of piece) if (sample !== 0) loud += 1;
    for (; (words + 1) * WORD_MS * SAMPLES_PER_MS <= loud; words += 1) {
      yield { type: "text-delta", text: words === 0 ? "one" : " more", logprobs: null };
    }
    const heardMs = Math.ceil(samples / SAMPLES_PER_MS);
    yield { type: "heard", heardMs };
    await onHeard(heardMs);
  }
  if (endsNever) await waitForAbort(signal);
  signal.throwIfAborted();
  const tokens = { audioTokens: 0, promptTokens: 0, outputTokens: words };
  yield { type: "live-end", language: words === 0 ? null : "en", tokens };
}

function waitForAbort(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
