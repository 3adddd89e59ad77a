/** Decides from the likelihoods of one frame after another where somebody speaks: with hysteresis, and without noises. */

export interface Span {
  /** Samples from the start of the audio. */
  readonly start: number;
  readonly end: number;
}

export interface SpeechTrackerSettings {
  /** How likely speech has to be, 0 to 1. */
  readonly threshold: number;
  /** A pause of this length ends a piece of speech. */
  readonly pauseSamples: number;
  /** A shorter piece is a noise. */
  readonly speechSamplesMin: number;
}

/** Speech ends where its likelihood falls this far below the threshold, but not below what silence has. */
const HYSTERESIS = 0.15;
const QUIET_PROBABILITY_MIN = 0.01;

/** Below this likelihood nobody speaks. */
export function quietBelow(threshold: number): number {
  return Math.max(QUIET_PROBABILITY_MIN, threshold - HYSTERESIS);
}

export class SpeechTracker {
  readonly #settings: SpeechTrackerSettings;
  #start: number | null = null;
  /** The end of the last frame that was not quiet. */
  #spokenTo = 0;

  constructor(settings: SpeechTrackerSettings) {
    this.#settings = settings;
  }

  /** @param frame that follows the last one @returns the speech whose end is known with it */
  add(frame: Span, probability: number): Span | null {
    const { threshold, pauseSamples } = this.#settings;
    if (probability >= threshold) {
      this.#start ??= frame.start;
      this.#spokenTo = frame.end;
    } else if (this.#start === null) {
      return null;
    } else if (probability >= quietBelow(threshold)) {
      if (this.#spokenTo === frame.start) this.#spokenTo = frame.end;
    } else if (frame.end - this.#spokenTo >= pauseSamples) {
      const { ongoing } = this;
      this.#start = null;
      return ongoing;
    }
    return null;
  }

  /** Whether what came may be speech whose end is not known yet, a noise so far included. */
  get isTracking(): boolean {
    return this.#start !== null;
  }

  /** The speech whose end is not known yet, as far as it goes; null where nobody speaks. */
  get ongoing(): Span | null {
    const [start, end] = [this.#start, this.#spokenTo];
    if (start === null || end - start < this.#settings.speechSamplesMin) return null;
    return { start, end };
  }
}
