/**
 * Parses a model's text as it grows: reasoning, the answer, tool calls. What may be the beginning of a tag or of calls
 * without tags is held back until it is known; stop strings end the answer alone.
 */

import type { TokenLogprob } from "@openai-compat/core";
import { createAnswerText } from "../shared/answer-text.ts";
import type { AnswerDelta } from "../shared/answer-text.ts";
import { CallBlock } from "./call-block.ts";
import type { BlockCall } from "./call-block.ts";
import { CALLS_MAX, CALL_BEGIN, CALL_END, CALL_HEAD } from "./tool-calls-format.ts";

export type ReadEvent =
  | ({ readonly type: "text-delta" } & AnswerDelta)
  | { readonly type: "reasoning-delta"; readonly text: string }
  | { readonly type: "tool-call-start"; readonly name: string }
  | { readonly type: "tool-call-delta"; readonly text: string };

export interface AnswerReader {
  /** @param logprob of the token that added the text; null when none are requested. */
  push(text: string, logprob: TokenLogprob | null): readonly ReadEvent[];
  /** What was held back; call once, at the end. */
  end(): readonly ReadEvent[];
  /** True once a stop string has appeared. */
  readonly stopped: boolean;
  /** True when all calls have been read: what follows is no call, or repeats the last one. */
  readonly finished: boolean;
  /** The part of the answer that the text is in now. */
  readonly section: "reasoning" | "answer" | "call";
  readonly calls: number;
  /** Whether a call has begun with its tag: only calls may follow. */
  readonly isTagged: boolean;
}

export interface AnswerReaderOptions {
  readonly stop: readonly string[];
  /** `only`: only calls are allowed, so text that is cut before the first is not an answer. */
  readonly calls: "none" | "possible" | "only";
  /** `open`: the prompt ends with the opening tag. */
  readonly reasoning: "none" | "possible" | "open";
  /** Tools whose calls are also read without tags; null for none. */
  readonly untagged: UntaggedCalls | null;
}

export interface UntaggedCalls {
  readonly names: readonly string[];
  /** Whether several calls are allowed. */
  readonly parallel: boolean;
  /** Whether a call of one of these tools is read as a call; otherwise it stays text. */
  accepts(call: BlockCall): boolean;
}

const REASONING_OPEN_TAG = "<think>";
const REASONING_CLOSE_TAG = "</think>";

export function createAnswerReader(options: AnswerReaderOptions): AnswerReader {
  return new Reader(options);
}

class Reader implements AnswerReader {
  section: AnswerReader["section"];
  calls = 0;
  isTagged = false;
  finished = false;
  readonly #options: AnswerReaderOptions;
  readonly #answer: ReturnType<typeof createAnswerText>;
  /** Text that is held back: it may be part of a tag. */
  #held = "";
  #heldLogprobs: (TokenLogprob | null)[] = [];
  #isFirst = true;
  /** Whether the answer has anything but white space. */
  #hasSaid = false;
  #hasHead = false;
  /** The last complete call; a call that repeats it ends the list. */
  #lastCall = "";
  /** Arguments of the open call while they equal those of the last call; null once they differ. */
  #repeated: string | null = null;
  #head = "";
  /** Possible calls without tags: the parsed part of the held text. */
  #block: CallBlock | null = null;
  /** Line breaks next to reasoning tags are not text. */
  #skipsLineBreaks = false;

  constructor(options: AnswerReaderOptions) {
    this.#options = options;
    this.#answer = createAnswerText(options.stop);
    this.section = "answer";
    if (options.reasoning === "open") this.#enter("reasoning");
  }

  get stopped(): boolean {
    return this.#answer.stopped;
  }

  push(text: string, logprob: TokenLogprob | null): readonly ReadEvent[] {
    const events: ReadEvent[] = [];
    this.#held += text;
    this.#heldLogprobs.push(logprob);
    while (!this.stopped && !this.finished && this.#step(events));
    if (this.section !== "answer") this.#heldLogprobs = [];
    return events;
  }

  end(): readonly ReadEvent[] {
    const events: ReadEvent[] = [];
    if (this.finished) this.#held = "";
    if (this.section === "answer") {
      if (this.#block?.end() === true) this.#takeCalls(events, this.#block.calls);
      else this.#say(events, this.#held);
    } else if (this.section === "reasoning" && this.#held !== "") {
      events.push({ type: "reasoning-delta", text: this.#held });
    } else if (this.#hasHead && this.#held !== "") this.#argue(events, this.#held);
    const rest = this.#answer.end();
    if (rest !== null) events.push({ type: "text-delta", ...rest });
    return events;
  }

  /** @returns whether there may be more to read. */
  #step(events: ReadEvent[]): boolean {
    if (this.#skipsLineBreaks) {
      const text = this.#held.replace(/^\n+/, "");
      // A token without text is the beginning of a character, and is kept.
      if (text === "" && this.#held !== "") this.#heldLogprobs = [];
      this.#held = text;
      if (text === "") return false;
      this.#skipsLineBreaks = false;
    }
    switch (this.section) {
      case "reasoning":
        return this.#readReasoning(events);
      case "answer":
        return this.#readAnswer(events);
      case "call":
        return this.#hasHead ? this.#readArguments(events) : this.#readHead(events);
    }
  }

  #readReasoning(events: ReadEvent[]): boolean {
    const { before, isFound } = this.#takeUntil(REASONING_CLOSE_TAG);
    if (before !== "") events.push({ type: "reasoning-delta", text: before });
    if (!isFound) return false;
    this.#heldLogprobs = [];
    this.#enter("answer");
    return true;
  }

  #enter(section: "reasoning" | "answer"): void {
    this.section = section;
    this.#skipsLineBreaks = true;
  }

  #readAnswer(events: ReadEvent[]): boolean {
    const { calls, reasoning } = this.#options;
    if (this.#isFirst && reasoning === "possible") {
      if (REASONING_OPEN_TAG.startsWith(this.#held)) return false;
      if (this.#held.startsWith(REASONING_OPEN_TAG)) {
        this.#held = this.#held.slice(REASONING_OPEN_TAG.length);
        this.#isFirst = false;
        this.#enter("reasoning");
        return true;
      }
    }
    this.#isFirst = false;
    if (calls === "none") {
      this.#say(events, this.#held);
      this.#held = "";
      return false;
    }
    if (this.#block !== null) return this.#readBlock(events, this.#block);
    if (this.#openBlock(events)) return true;
    const { before, isFound } = this.#takeUntil(CALL_BEGIN);
    // White space before a call, and between calls, is not part of the answer.
    const text = before.trimEnd();
    this.#say(events, text);
    if (isFound) {
      this.section = "call";
      this.isTagged = true;
      this.#hasHead = false;
    } else {
      this.#held = before.slice(text.length) + this.#held;
    }
    return isFound;
  }

  /** Calls without tags start the answer or a line of it, before any tag. */
  #openBlock(events: ReadEvent[]): boolean {
    const { untagged } = this.#options;
    if (untagged === null || this.isTagged) return false;
    const at = findBlockStart(this.#held, !this.#hasSaid);
    if (at === -1 || this.#held.slice(0, at).includes(CALL_BEGIN)) return false;
    const text = this.#held.slice(0, at).trimEnd();
    this.#say(events, text);
    this.#held = this.#held.slice(text.length);
    this.#block = new CallBlock(untagged, this.calls > 0);
    return true;
  }

  /** Calls at the start of the answer are read at once; after a text, only if nothing else follows them. */
  #readBlock(events: ReadEvent[], block: CallBlock): boolean {
    const state = block.push(this.#held.slice(block.length));
    if (state === "open") return false;
    if (state === "closed") {
      if (this.#hasSaid) return block.length < this.#held.length;
      this.#held = this.#held.slice(block.length);
      this.#takeCalls(events, block.calls);
      this.#block = this.#options.untagged === null ? null : new CallBlock(this.#options.untagged, true);
      return true;
    }
    this.#block = null;
    if (this.calls > 0) {
      this.finished = true;
      return false;
    }
    // Its first character was plain text.
    const length = this.#held.search(/\S/) + 1;
    this.#say(events, this.#held.slice(0, length));
    this.#held = this.#held.slice(length);
    return true;
  }

  #takeCalls(events: ReadEvent[], calls: readonly BlockCall[]): void {
    this.#heldLogprobs = [];
    for (const { name, arguments: text } of calls) {
      if (this.finished) return;
      const call = describeCall(name, JSON.stringify(JSON.parse(text)));
      if (call === this.#lastCall) this.finished = true;
      else {
        this.#lastCall = call;
        this.calls += 1;
        events.push({ type: "tool-call-start", name }, { type: "tool-call-delta", text });
        this.finished = this.#options.untagged?.parallel === false || this.calls === CALLS_MAX;
      }
    }
  }

  #readHead(events: ReadEvent[]): boolean {
    const [head, name] = CALL_HEAD.exec(this.#held) ?? [];
    if (head === undefined || name === undefined) return false;
    this.#held = this.#held.slice(head.length);
    this.#hasHead = true;
    this.#head = String(JSON.parse(name));
    this.#repeated = "";
    this.#argue(events, "");
    return true;
  }

  #readArguments(events: ReadEvent[]): boolean {
    const { before, isFound } = this.#takeUntil(CALL_END);
    if (before !== "") this.#argue(events, before);
    if (!isFound) return false;
    this.section = "answer";
    if (this.#repeated !== null) this.finished = true;
    return true;
  }

  /** Emits a call's arguments once it is known that the call does not repeat the last one. */
  #argue(events: ReadEvent[], text: string): void {
    if (this.#repeated === null) {
      events.push({ type: "tool-call-delta", text });
      this.#lastCall += text;
      return;
    }
    this.#repeated += text;
    const call = describeCall(this.#head, this.#repeated);
    if (this.#lastCall.startsWith(call)) return;
    events.push({ type: "tool-call-start", name: this.#head });
    if (this.#repeated !== "") events.push({ type: "tool-call-delta", text: this.#repeated });
    this.calls += 1;
    this.#lastCall = call;
    this.#repeated = null;
  }

  /** Takes the text before a tag, and the tag when it is complete; keeps what may be its beginning. */
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

  /** After a call only another call may follow: white space or half a tag between them is not part of the answer. */
  #say(events: ReadEvent[], text: string): void {
    if (text === "" || this.calls > 0 || this.#options.calls === "only") return;
    this.#hasSaid ||= /\S/.test(text);
    const logprobs = this.#heldLogprobs.splice(0);
    const last = logprobs.pop() ?? null;
    for (const logprob of logprobs) if (logprob !== null) this.#answer.push("", logprob);
    const delta = this.#answer.push(text, last);
    if (delta !== null) events.push({ type: "text-delta", ...delta });
  }
}

function describeCall(name: string, text: string): string {
  return `${name}\n${text}`;
}

/** What calls without tags start with: an object, an array, a fence. */
const BLOCK_START = /[{[`]/g;

/**
 * @param isFresh whether the text starts the answer.
 * @returns where a line starts with what may be calls; -1 for nowhere
 */
function findBlockStart(text: string, isFresh: boolean): number {
  for (const { index } of text.matchAll(BLOCK_START)) {
    const before = text.slice(0, index);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    const isLineStart = line.trim() === "" && (line.length < before.length || isFresh);
    if (isLineStart) return index;
  }
  return -1;
}
