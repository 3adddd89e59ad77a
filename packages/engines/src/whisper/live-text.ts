/**
 * The text of one turn, as far as it was sent, and of the part of its audio that still grows: what was sent of it, what
 * the last pass made of it. What was sent never changes; every later text of the part begins with it.
 */

import type { LiveEvent, TokenProbability } from "@openai-compat/core";
import { NO_PREFIX, isAcceptable } from "./decode-window.ts";
import type { TextPrefix, WindowText } from "./decode-window.ts";
import { countCertain, dropLastWord } from "./live-agreement.ts";
import type { PassQuality } from "./live-pacing.ts";
import type { WhisperText } from "./whisper-text.ts";
import type { WindowReader } from "./window-reader.ts";

/** What a pass made of the part that grows. */
export interface Pass {
  readonly startSample: number;
  readonly samples: Float32Array;
  readonly quality: PassQuality;
  readonly language: string;
  readonly decoded: WindowText;
}

/** Two passes over the same audio agree on anything: 200 ms. */
const GROWTH_SAMPLES_MIN = 3200;

export interface LiveTextSetup {
  readonly text: WhisperText;
  readonly reader: WindowReader;
  readonly endOfText: number;
  readonly logprobs: boolean;
}

export class LiveText {
  readonly #setup: LiveTextSetup;
  #sent: TextPrefix = NO_PREFIX;
  #last: Pass | null = null;
  #language: string | null = null;
  /** Of tokens without text, which has to follow. */
  #heldLogprobs: readonly TokenProbability[] = [];

  constructor(setup: LiveTextSetup) {
    this.#setup = setup;
  }

  /** Null before any text was sent. */
  get language(): string | null {
    return this.#language;
  }

  /** Of the part that grows. */
  get sent(): TextPrefix {
    return this.#sent;
  }

  get last(): Pass | null {
    return this.#last;
  }

  /** @returns what is certain now */
  addPass(pass: Pass): LiveEvent | null {
    const previous = this.#last;
    this.#last = pass;
    if (previous === null || previous.language !== pass.language || !isReliable(previous)) return null;
    if (pass.samples.length - previous.samples.length < GROWTH_SAMPLES_MIN) return null;
    return this.#sendAgreed(previous.decoded.tokens, pass);
  }

  /**
   * Nobody has spoken for long since the last pass: what it made of the part is as certain as it gets.
   *
   * @param isSpokenOut whether the last word was heard to its end
   */
  settle(isSpokenOut: boolean): LiveEvent | null {
    const { text, endOfText } = this.#setup;
    if (this.#last === null) return null;
    const { tokens } = this.#last.decoded;
    return this.#sendAgreed(isSpokenOut ? tokens : dropLastWord(tokens, text, endOfText), this.#last);
  }

  /** @param count tokens of the part's text that are sent then, those before included */
  send({ tokens, logprobs }: TextPrefix, count: number, language: string): LiveEvent | null {
    const { text, reader, endOfText } = this.#setup;
    const indices = tokens.flatMap((token, index) =>
      index >= this.#sent.tokens.length && index < count && token < endOfText ? [index] : [],
    );
    this.#sent = { tokens: tokens.slice(0, count), logprobs: logprobs.slice(0, count) };
    if (indices.length === 0) return null;
    this.#language = language;
    const said = reader.join(text.decode(indices.map((index) => tokens[index] ?? 0)));
    const described = [
      ...this.#heldLogprobs,
      ...indices.map((index) => reader.describeToken({ tokens, logprobs }, index)),
    ];
    this.#heldLogprobs = said === "" ? described : [];
    if (said === "") return null;
    return { type: "text-delta", text: said, logprobs: this.#setup.logprobs ? described : null };
  }

  /** Another part begins. @param sent of what was sent, what is heard again in it */
  beginPart(sent: TextPrefix = NO_PREFIX): void {
    this.#sent = sent;
    this.#last = null;
  }

  #sendAgreed(previous: readonly number[], pass: Pass): LiveEvent | null {
    if (!isReliable(pass)) return null;
    const { text, endOfText } = this.#setup;
    const passes = { previous, next: pass.decoded.tokens, certain: this.#sent.tokens.length };
    const count = countCertain(passes, text, endOfText);
    return count > this.#sent.tokens.length ? this.send(pass.decoded, count, pass.language) : null;
  }
}

function isReliable({ decoded }: Pass): boolean {
  return !decoded.isSilence && isAcceptable(decoded);
}
