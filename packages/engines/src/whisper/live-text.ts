/**
 * The text of one turn, as far as it was sent, and of the part of its audio that still grows: what was sent of it, what
 * the last pass made of it. What was sent never changes; every later text of the part begins with it.
 */

import type { LiveEvent, TokenProbability } from "@openai-compat/core";
import { NO_PREFIX, isAcceptable } from "./decode-window.ts";
import type { TextPrefix, WindowText } from "./decode-window.ts";
import { countCertain } from "./live-agreement.ts";
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
    if (previous === null || previous.language !== pass.language) return null;
    return this.#sendAgreed(previous, pass);
  }

  /** Nobody has spoken for long since the last pass: what it made of the part is as certain as it gets. */
  settle(): LiveEvent | null {
    return this.#last === null ? null : this.#sendAgreed(this.#last, this.#last);
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

  #sendAgreed(previous: Pass, { decoded, language }: Pass): LiveEvent | null {
    if ([previous.decoded, decoded].some((text) => text.isSilence || !isAcceptable(text))) return null;
    const { text, endOfText } = this.#setup;
    const passes = { previous: previous.decoded.tokens, next: decoded.tokens, certain: this.#sent.tokens.length };
    const count = countCertain(passes, text, endOfText);
    return count > this.#sent.tokens.length ? this.send(decoded, count, language) : null;
  }
}
