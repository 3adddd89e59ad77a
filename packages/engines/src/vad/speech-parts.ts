/**
 * Cuts audio that arrives piece by piece into parts with speech, at pauses. Silence is passed over. At most a part and
 * what was fed last is held.
 */

import { FRAME_SAMPLES } from "./silero-vad.ts";
import type { VoiceDetector } from "./silero-vad.ts";

export interface SpeechPartsSettings {
  /** How likely speech has to be, 0 to 1. */
  readonly threshold: number;
  /** Audio that is kept before and after speech. */
  readonly paddingSamples: number;
  /** A pause of this length ends a piece of speech; a part is cut there. */
  readonly pauseSamples: number;
  /** Pieces with a longer pause between them are parts of their own. */
  readonly joinedPauseSamplesMax: number;
  /** Of a part, padding included. */
  readonly partSamplesMax: number;
}

export interface SpeechPart {
  /** From the start of the recording. */
  readonly startSample: number;
  readonly samples: Float32Array;
  /** Whether speech goes on after it without a pause: it was cut because it is as long as a part may be. */
  readonly isCut: boolean;
}

/** Shorter is a noise. */
const SPEECH_SAMPLES_MIN = 2 * FRAME_SAMPLES;
/** Speech ends where its likelihood falls this far below the threshold. */
const HYSTERESIS = 0.15;
/** A part that is too long is cut in the last share of what is allowed. */
const CUT_SHARE = 0.5;

interface Span {
  readonly start: number;
  readonly end: number;
}

export interface SpeechParts {
  feed(samples: Float32Array): Promise<void>;
  /** No more will be fed. */
  finish(): Promise<void>;
  /** The next part; null when more has to be fed, or nothing is left. */
  take(): SpeechPart | null;
  /** Takes back what follows `sample` of the part that was taken last. */
  putBack(sample: number): void;
  /** Whether somebody speaks between two samples of what is still held. */
  hasSpeech(start: number, end: number): boolean;
  /** Everything before this sample has been taken, or holds no speech. */
  readonly passedSample: number;
}

export function createSpeechParts(detector: VoiceDetector, settings: SpeechPartsSettings): SpeechParts {
  return new PartCutter(detector, settings);
}

class PartCutter implements SpeechParts {
  readonly #detector: VoiceDetector;
  readonly #settings: SpeechPartsSettings;
  /** Audio from `#heldFrom` on. */
  #held = new Float32Array(0);
  #heldFrom = 0;
  /** Of each frame from `#probabilitiesFrom` on; a frame starts at a multiple of its length. */
  #probabilities: number[] = [];
  #probabilitiesFrom = 0;
  #isFinished = false;
  /** Everything before it has been given out. */
  #takenTo = 0;

  constructor(detector: VoiceDetector, settings: SpeechPartsSettings) {
    this.#detector = detector;
    this.#settings = settings;
  }

  async feed(samples: Float32Array): Promise<void> {
    const held = new Float32Array(this.#held.length + samples.length);
    held.set(this.#held);
    held.set(samples, this.#held.length);
    this.#held = held;
    await this.#detect(Math.floor(this.#end / FRAME_SAMPLES));
  }

  async finish(): Promise<void> {
    const frames = Math.ceil(this.#end / FRAME_SAMPLES);
    await this.#detect(frames);
    this.#isFinished = true;
  }

  take(): SpeechPart | null {
    const { partSamplesMax, joinedPauseSamplesMax, paddingSamples } = this.#settings;
    const spans = this.#listSpans();
    const [first] = spans;
    if (first === undefined) {
      this.#drop(this.#isFinished ? this.#end : this.#quietFrom());
      return null;
    }
    const start = Math.max(this.#takenTo, first.start - paddingSamples);
    const pauses: Span[] = [];
    let last = first;
    for (const span of spans) {
      if (span !== first) {
        if (span.start - last.end > joinedPauseSamplesMax) return this.#giveUntil(start, last.end);
        pauses.push({ start: last.end, end: span.start });
      }
      if (span.end + paddingSamples - start > partSamplesMax) return this.#cut(start, pauses);
      last = span;
    }
    // While speech goes on, its end is that of the audio.
    if (this.#isFinished || this.#detectedTo - last.end > joinedPauseSamplesMax)
      return this.#giveUntil(start, last.end);
    this.#drop(start);
    return null;
  }

  putBack(sample: number): void {
    this.#takenTo = sample;
  }

  hasSpeech(start: number, end: number): boolean {
    let spoken = 0;
    for (let frame = Math.floor(start / FRAME_SAMPLES); frame * FRAME_SAMPLES < end; frame += 1) {
      if (this.#probabilityOf(frame) >= this.#settings.threshold) spoken += FRAME_SAMPLES;
    }
    return spoken >= SPEECH_SAMPLES_MIN;
  }

  get passedSample(): number {
    return Math.min(this.#end, this.#takenTo);
  }

  get #end(): number {
    return this.#heldFrom + this.#held.length;
  }

  get #detectedTo(): number {
    return (this.#probabilitiesFrom + this.#probabilities.length) * FRAME_SAMPLES;
  }

  async #detect(toFrame: number): Promise<void> {
    const from = this.#detectedTo;
    const to = toFrame * FRAME_SAMPLES;
    if (to <= from) return;
    const frames = new Float32Array(to - from);
    frames.set(this.#held.subarray(from - this.#heldFrom, to - this.#heldFrom));
    this.#probabilities.push(...(await this.#detector.read(frames)));
  }

  #probabilityOf(frame: number): number {
    return this.#probabilities[frame - this.#probabilitiesFrom] ?? 0;
  }

  /** Where somebody speaks, after what was taken. */
  #listSpans(): readonly Span[] {
    const { threshold, pauseSamples } = this.#settings;
    const spans: Span[] = [];
    let start = -1;
    let quietFrom = -1;
    const close = (end: number): void => {
      if (end - start >= SPEECH_SAMPLES_MIN) spans.push({ start, end });
      start = -1;
      quietFrom = -1;
    };
    for (let frame = Math.floor(this.#takenTo / FRAME_SAMPLES); frame * FRAME_SAMPLES < this.#detectedTo; frame += 1) {
      const at = frame * FRAME_SAMPLES;
      const probability = this.#probabilityOf(frame);
      if (probability >= threshold) {
        if (start === -1) start = Math.max(at, this.#takenTo);
        quietFrom = -1;
      } else if (start !== -1 && probability < threshold - HYSTERESIS) {
        if (quietFrom === -1) quietFrom = at;
        if (at + FRAME_SAMPLES - quietFrom >= pauseSamples) close(quietFrom);
      }
    }
    if (start !== -1) close(this.#isFinished && quietFrom !== -1 ? quietFrom : this.#detectedTo);
    return spans;
  }

  /** What may still be the padding before speech. */
  #quietFrom(): number {
    return Math.max(this.#takenTo, this.#detectedTo - this.#settings.paddingSamples - SPEECH_SAMPLES_MIN);
  }

  /** The part that begins there is too long: cut at its longest pause, else where speech is least likely. */
  #cut(start: number, pauses: readonly Span[]): SpeechPart {
    const { partSamplesMax, threshold } = this.#settings;
    const cutFrom = start + partSamplesMax * (1 - CUT_SHARE);
    const late = pauses.filter((pause) => pause.start >= cutFrom);
    const [longest = pauses.at(-1)] = late.toSorted((a, b) => b.end - b.start - (a.end - a.start));
    if (longest !== undefined) return this.#giveUntil(start, longest.start);
    const firstFrame = Math.ceil(cutFrom / FRAME_SAMPLES);
    const lastFrame = Math.floor((start + partSamplesMax) / FRAME_SAMPLES) - 1;
    let [quietest, lowest] = [lastFrame, Infinity];
    for (let frame = firstFrame; frame <= lastFrame; frame += 1) {
      const probability = this.#probabilityOf(frame);
      if (probability <= lowest) [quietest, lowest] = [frame, probability];
    }
    const isPause = lowest < threshold - HYSTERESIS;
    const end = isPause ? (quietest + 0.5) * FRAME_SAMPLES : start + partSamplesMax;
    return this.#give({ start, end }, !isPause);
  }

  #giveUntil(start: number, spokenTo: number): SpeechPart {
    const end = Math.min(this.#end, spokenTo + this.#settings.paddingSamples);
    return this.#give({ start, end }, false);
  }

  #give({ start, end }: Span, isCut: boolean): SpeechPart {
    const samples = this.#held.slice(start - this.#heldFrom, end - this.#heldFrom);
    this.#takenTo = end;
    return { startSample: start, samples, isCut };
  }

  /** Forgets what comes before a sample. */
  #drop(sample: number): void {
    const from = Math.min(Math.max(sample, this.#heldFrom), this.#end);
    this.#takenTo = Math.max(this.#takenTo, from);
    this.#held = this.#held.slice(from - this.#heldFrom);
    this.#heldFrom = from;
    const frame = Math.min(Math.floor(from / FRAME_SAMPLES), this.#probabilitiesFrom + this.#probabilities.length);
    this.#probabilities.splice(0, frame - this.#probabilitiesFrom);
    this.#probabilitiesFrom = frame;
  }
}
