/**
 * Cuts audio that arrives piece by piece into parts with speech, at pauses. Silence is passed over. At most a part and
 * what was fed last is held.
 */

import { SampleBuffer } from "./sample-buffer.ts";
import { FRAME_SAMPLES, SPEECH_SAMPLES_MIN } from "./silero-vad.ts";
import type { VoiceDetector } from "./silero-vad.ts";
import { SpeechTracker, quietBelow } from "./speech-tracker.ts";
import type { Span } from "./speech-tracker.ts";

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
  /**
   * A part that is longer is cut at its next pause, as soon as that is known. At `partSamplesMax` it is cut at the best
   * pause instead of the first one.
   */
  readonly cutSamplesMin: number;
}

export interface SpeechPart {
  /** From the start of the recording. */
  readonly startSample: number;
  readonly samples: Float32Array;
  /** Whether speech goes on after it without a pause: it was cut because it is as long as a part may be. */
  readonly isCut: boolean;
}

/** What may become a part, as far as it goes. In samples from the start of the recording. */
export interface GrowingPart {
  readonly startSample: number;
  /** With the padding after speech, as far as it has come. */
  readonly endSample: number;
  /** The end of the last speech. */
  readonly spokenTo: number;
  /** Where the audio ends that was examined. */
  readonly detectedTo: number;
}

/** A part that is too long is cut in the last share of what is allowed. */
const CUT_SHARE = 0.5;

export interface SpeechParts {
  feed(samples: Float32Array): Promise<void>;
  /** No more will be fed. */
  finish(): Promise<void>;
  /** The next part; null when more has to be fed, or nothing is left. */
  take(): SpeechPart | null;
  /** What the next part is so far, where `take` has just had none; null where nobody has spoken. */
  growing(): GrowingPart | null;
  /** A copy of what is held between two samples. */
  copy(start: number, end: number): Float32Array;
  /** Takes back what follows `sample` of the part that was taken last. */
  putBack(sample: number): void;
  /** Whether somebody speaks between two samples of what is still held. */
  hasSpeech(start: number, end: number): boolean;
  /** Everything before this sample has been taken, or holds no speech. */
  readonly passedSample: number;
  /** Samples that are held. */
  readonly heldSamples: number;
}

export function createSpeechParts(detector: VoiceDetector, settings: SpeechPartsSettings): SpeechParts {
  return new PartCutter(detector, settings);
}

class PartCutter implements SpeechParts {
  readonly #detector: VoiceDetector;
  readonly #settings: SpeechPartsSettings;
  readonly #held = new SampleBuffer();
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
    this.#held.append(samples);
    await this.#detect(Math.floor(this.#end / FRAME_SAMPLES));
  }

  async finish(): Promise<void> {
    const frames = Math.ceil(this.#end / FRAME_SAMPLES);
    await this.#detect(frames);
    this.#isFinished = true;
  }

  take(): SpeechPart | null {
    const { partSamplesMax, joinedPauseSamplesMax, paddingSamples, cutSamplesMin } = this.#settings;
    const { spans } = this.#listSpans();
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
        if (span.start - last.end > joinedPauseSamplesMax || last.end - start > cutSamplesMin)
          return this.#giveUntil(start, last.end);
        pauses.push({ start: last.end, end: span.start });
      }
      if (span.end + paddingSamples - start > partSamplesMax) {
        if (!this.#isFinished && this.#detectedTo < start + partSamplesMax) break;
        return this.#cut(start, pauses);
      }
      last = span;
    }
    // While speech goes on, its end is that of the audio.
    const pause = this.#detectedTo - last.end;
    const isLong = last.end - start > cutSamplesMin && pause > 0;
    if (this.#isFinished || isLong || pause > joinedPauseSamplesMax) return this.#giveUntil(start, last.end);
    this.#drop(start);
    return null;
  }

  growing(): GrowingPart | null {
    const { spans, spokenTo } = this.#listSpans();
    const [first] = spans;
    if (first === undefined) return null;
    const start = Math.max(this.#takenTo, first.start - this.#settings.paddingSamples);
    const end = Math.min(this.#end, spokenTo + this.#settings.paddingSamples);
    return { startSample: start, endSample: end, spokenTo, detectedTo: this.#detectedTo };
  }

  copy(start: number, end: number): Float32Array {
    return this.#held.slice(start, end);
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

  get heldSamples(): number {
    return this.#end - this.#held.from;
  }

  get #end(): number {
    return this.#held.end;
  }

  get #detectedTo(): number {
    return (this.#probabilitiesFrom + this.#probabilities.length) * FRAME_SAMPLES;
  }

  async #detect(toFrame: number): Promise<void> {
    const from = this.#detectedTo;
    const to = toFrame * FRAME_SAMPLES;
    if (to <= from) return;
    const frames = new Float32Array(to - from);
    frames.set(this.#held.slice(from, Math.min(to, this.#end)));
    this.#probabilities.push(...(await this.#detector.read(frames)));
  }

  #probabilityOf(frame: number): number {
    return this.#probabilities[frame - this.#probabilitiesFrom] ?? 0;
  }

  /** Where somebody speaks, after what was taken. While speech goes on, its end is that of the audio. */
  #listSpans(): { readonly spans: readonly Span[]; readonly spokenTo: number } {
    const tracker = new SpeechTracker({ ...this.#settings, speechSamplesMin: SPEECH_SAMPLES_MIN });
    const spans: Span[] = [];
    for (let frame = Math.floor(this.#takenTo / FRAME_SAMPLES); frame * FRAME_SAMPLES < this.#detectedTo; frame += 1) {
      const start = Math.max(frame * FRAME_SAMPLES, this.#takenTo);
      const ended = tracker.add({ start, end: (frame + 1) * FRAME_SAMPLES }, this.#probabilityOf(frame));
      if (ended !== null) spans.push(ended);
    }
    const { ongoing } = tracker;
    const spokenTo = (ongoing ?? spans.at(-1))?.end ?? this.#takenTo;
    if (ongoing !== null) spans.push(this.#isFinished ? ongoing : { ...ongoing, end: this.#detectedTo });
    return { spans, spokenTo };
  }

  /** What may still be the padding before speech. */
  #quietFrom(): number {
    return Math.max(this.#takenTo, this.#detectedTo - this.#settings.paddingSamples - SPEECH_SAMPLES_MIN);
  }

  /** The part that begins there is too long: cut at its longest pause, else where speech is least likely. */
  #cut(start: number, pauses: readonly Span[]): SpeechPart {
    const { partSamplesMax, threshold, cutSamplesMin } = this.#settings;
    const cutFrom = start + partSamplesMax * (1 - CUT_SHARE);
    const late = pauses.filter((pause) => pause.start >= cutFrom);
    // An early pause is better than none, unless parts are cut at the first late one.
    const early = cutSamplesMin < partSamplesMax ? undefined : pauses.at(-1);
    const [longest = early] = late.toSorted((a, b) => b.end - b.start - (a.end - a.start));
    if (longest !== undefined) return this.#giveUntil(start, longest.start);
    const firstFrame = Math.ceil(cutFrom / FRAME_SAMPLES);
    const lastFrame = Math.floor((start + partSamplesMax) / FRAME_SAMPLES) - 1;
    let [quietest, lowest] = [lastFrame, Infinity];
    for (let frame = firstFrame; frame <= lastFrame; frame += 1) {
      const probability = this.#probabilityOf(frame);
      if (probability <= lowest) [quietest, lowest] = [frame, probability];
    }
    const isPause = lowest < quietBelow(threshold);
    const end = isPause ? (quietest + 0.5) * FRAME_SAMPLES : start + partSamplesMax;
    return this.#give({ start, end }, !isPause);
  }

  #giveUntil(start: number, spokenTo: number): SpeechPart {
    const end = Math.min(this.#end, spokenTo + this.#settings.paddingSamples);
    return this.#give({ start, end }, false);
  }

  #give({ start, end }: Span, isCut: boolean): SpeechPart {
    // It may be put back.
    this.#drop(start);
    this.#takenTo = end;
    return { startSample: start, samples: this.#held.slice(start, end), isCut };
  }

  /** Forgets what comes before a sample. */
  #drop(sample: number): void {
    const from = Math.min(Math.max(sample, this.#held.from), this.#end);
    this.#takenTo = Math.max(this.#takenTo, from);
    this.#held.drop(from);
    const frame = Math.min(Math.floor(from / FRAME_SAMPLES), this.#probabilitiesFrom + this.#probabilities.length);
    this.#probabilities.splice(0, frame - this.#probabilitiesFrom);
    this.#probabilitiesFrom = frame;
  }
}
