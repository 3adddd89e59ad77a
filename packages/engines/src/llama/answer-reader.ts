/**
 * Takes a model's text apart as it grows: thoughts, the answer, calls of tools. What may be the beginning of a tag is held
 * back until it is known; stop strings end the answer alone.
 */

import type { TokenLogprob } from "@openai-compat/core";
import { createAnswerText } from "../shared/answer-text.ts";
import type { AnswerDelta } from "../shared/answer-text.ts";
import { CALL_BEGIN, CALL_END, CALL_HEAD } from "./tool-calls-format.ts";

export type ReadEvent =
  | ({ readonly type: "text-delta" } & AnswerDelta)
  | { readonly type: "reasoning-delta"; readonly text: string }
  | { readonly type: "tool-call-start"; readonly name: string }
  | { readonly type: "tool-call-delta"; readonly text: string };

export interface AnswerReader {
  /** @param logprob of the token that added the text; null when none are asked for. */
  push(text: string, logprob: TokenLogprob | null): readonly ReadEvent[];
  /** What was held back; call once, at the end. */
  end(): readonly ReadEvent[];
  /** True once a stop string has appeared. */
  readonly stopped: boolean;
  /** Where the text is now. */
  readonly place: "thoughts" | "answer" | "call";
  readonly calls: number;
}

export interface AnswerReaderOptions {
  readonly stop: readonly string[];
  /** `only`: nothing but calls may come, so what is cut before the first is no answer. */
  readonly calls: "none" | "possible" | "only";
  /** `open`: the prompt has begun the thoughts already. */
  readonly thoughts: "none" | "possible" | "open";
}

const THOUGHTS_BEGIN = "<think>";
const THOUGHTS_END = "</think>";

export function createAnswerReader(options: AnswerReaderOptions): AnswerReader {
  return new Reader(options);
}

class Reader implements AnswerReader {
  place: AnswerReader["place"];
  calls = 0;
  readonly #options: AnswerReaderOptions;
  readonly #answer: ReturnType<typeof createAnswerText>;
  /** Not yet read: it may be part of a tag. */
  #held = "";
  #heldLogprobs: (TokenLogprob | null)[] = [];
  #isFirst = true;
  #hasHead = false;
  /** Line breaks beside the tags of thoughts are no text. */
  #skipsLineBreaks = false;

  constructor(options: AnswerReaderOptions) {
    this.#options = options;
    this.#answer = createAnswerText(options.stop);
    this.place = "answer";
    if (options.thoughts === "open") this.#enter("thoughts");
  }

  get stopped(): boolean {
    return this.#answer.stopped;
  }

  push(text: string, logprob: TokenLogprob | null): readonly ReadEvent[] {
    const events: ReadEvent[] = [];
    this.#held += text;
    this.#heldLogprobs.push(logprob);
    while (this.#step(events)) if (this.stopped) break;
    if (this.place !== "answer") this.#heldLogprobs = [];
    return events;
  }

  end(): readonly ReadEvent[] {
    const events: ReadEvent[] = [];
    if (this.place === "answer") this.#say(events, this.#held);
    else if (this.place === "thoughts" && this.#held !== "") events.push({ type: "reasoning-delta", text: this.#held });
    else if (this.#hasHead && this.#held !== "") events.push({ type: "tool-call-delta", text: this.#held });
    const rest = this.#answer.end();
    if (rest !== null) events.push({ type: "text-delta", ...rest });
    return events;
  }

  /** @returns whether there may be more to read. */
  #step(events: ReadEvent[]): boolean {
    if (this.#skipsLineBreaks) {
      const text = this.#held.replace(/^\n+/, "");
      // A token without text is the beginning of a character, and stays.
      if (text === "" && this.#held !== "") this.#heldLogprobs = [];
      this.#held = text;
      if (text === "") return false;
      this.#skipsLineBreaks = false;
    }
    switch (this.place) {
      case "thoughts":
        return this.#readThoughts(events);
      case "answer":
        return this.#readAnswer(events);
      case "call":
        return this.#hasHead ? this.#readArguments(events) : this.#readHead(events);
    }
  }

  #readThoughts(events: ReadEvent[]): boolean {
    const { before, isFound } = this.#takeUntil(THOUGHTS_END);
    if (before !== "") events.push({ type: "reasoning-delta", text: before });
    if (!isFound) return false;
    this.#heldLogprobs = [];
    this.#enter("answer");
    return true;
  }

  #enter(place: "thoughts" | "answer"): void {
    this.place = place;
    this.#skipsLineBreaks = true;
  }

  #readAnswer(events: ReadEvent[]): boolean {
    const { calls, thoughts } = this.#options;
    if (this.#isFirst && thoughts === "possible") {
      if (THOUGHTS_BEGIN.startsWith(this.#held)) return false;
      if (this.#held.startsWith(THOUGHTS_BEGIN)) {
        this.#held = this.#held.slice(THOUGHTS_BEGIN.length);
        this.#isFirst = false;
        this.#enter("thoughts");
        return true;
      }
    }
    this.#isFirst = false;
    if (calls === "none") {
      this.#say(events, this.#held);
      this.#held = "";
      return false;
    }
    const { before, isFound } = this.#takeUntil(CALL_BEGIN);
    // The blanks before a call, and between two, are no answer.
    const text = before.trimEnd();
    this.#say(events, text);
    if (isFound) {
      this.place = "call";
      this.#hasHead = false;
    } else {
      this.#held = before.slice(text.length) + this.#held;
    }
    return isFound;
  }

  #readHead(events: ReadEvent[]): boolean {
    const [head, name] = CALL_HEAD.exec(this.#held) ?? [];
    if (head === undefined || name === undefined) return false;
    this.#held = this.#held.slice(head.length);
    this.#hasHead = true;
    this.calls += 1;
    events.push({ type: "tool-call-start", name: String(JSON.parse(name)) });
    return true;
  }

  #readArguments(events: ReadEvent[]): boolean {
    const { before, isFound } = this.#takeUntil(CALL_END);
    if (before !== "") events.push({ type: "tool-call-delta", text: before });
    if (isFound) this.place = "answer";
    return isFound;
  }

  /** Takes what comes before a tag, and the tag when it is there; keeps what may be its beginning. */
  #takeUntil(tag: string): { readonly before: string; readonly isFound: boolean } {
    const at = this.#held.indexOf(tag);
    if (at !== -1) {
      const before = this.#held.slice(0, at);
      this.#held = this.#held.slice(at + tag.length);
      return { before, isFound: true };
    }
    let kept = Math.min(tag.length - 1, this.#held.length);
    while (kept > 0 && !this.#held.endsWith(tag.slice(0, kept))) kept -= 1;
    const before = this.#held.slice(0, this.#held.length - kept);
    this.#held = this.#held.slice(this.#held.length - kept);
    return { before, isFound: false };
  }

  /** After a call only another may come: a model's blanks between them are nobody's text, and no more is half a tag. */
  #say(events: ReadEvent[], text: string): void {
    if (text === "" || this.calls > 0 || this.#options.calls === "only") return;
    const logprobs = this.#heldLogprobs.splice(0);
    const last = logprobs.pop() ?? null;
    for (const logprob of logprobs) if (logprob !== null) this.#answer.push("", logprob);
    const delta = this.#answer.push(text, last);
    if (delta !== null) events.push({ type: "text-delta", ...delta });
  }
}
