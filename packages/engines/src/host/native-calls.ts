/** The parent's end of the connection: calls to the model in the child. It knows messages, and nothing of processes. */

import { decodeAiError, encodeAiError } from "@openai-compat/core";
import type { AiError } from "@openai-compat/core";
import type { Clock } from "../residency/clock.ts";
import { EVENTS_AHEAD_MAX } from "./host-protocol.ts";
import type { ChildMessage, ParentMessage } from "./host-protocol.ts";

export interface NativeCallsOptions {
  readonly send: (message: ParentMessage) => void;
  /** How long a call may go on in the child after its abort. Milliseconds. */
  readonly abortTimeMsMax: number;
  /** Called when one went on for longer. */
  readonly onStuck: () => void;
  /** Called with the number of calls that run, whenever it changes. */
  readonly onCount: (running: number) => void;
  /** Called when a stream has ended as it should. */
  readonly onServed: () => void;
  readonly clock: Clock;
}

type Outcome =
  | { readonly type: "ended"; readonly value: unknown }
  /** Null: its own signal made it throw. */
  | { readonly type: "failed"; readonly error: AiError | null };

interface PendingCall {
  readonly id: number;
  readonly signal: AbortSignal;
  /** Of a stream, what came and is not consumed yet. */
  readonly events: unknown[];
  outcome: Outcome | null;
  /** Called when something came. */
  wake: () => void;
  /** Forgets the signal. */
  unwatch: () => void;
  stopTimer: () => void;
}

type CallRequest = Pick<Extract<ParentMessage, { argument: unknown }>, "type" | "name" | "argument">;

/** A credit message for each half of what the child may send ahead, so that it never waits for one. */
const EVENTS_PER_CREDIT = EVENTS_AHEAD_MAX / 2;

export class NativeCalls {
  readonly #options: NativeCallsOptions;
  readonly #pending = new Map<number, PendingCall>();
  #lastId = 0;
  #createError: (() => AiError) | null = null;

  constructor(options: NativeCallsOptions) {
    this.#options = options;
  }

  /** Settles when the child says so, also after an abort. @throws the signal's reason, or what was thrown there */
  async ask(name: string, argument: unknown, signal: AbortSignal): Promise<unknown> {
    const call = this.#start({ type: "ask", name, argument }, signal);
    while (call.outcome === null) await nextMessage(call);
    return readOutcome(call.outcome, signal);
  }

  /** Ends as `ask` does. Leaving it early waits until the child has ended it. */
  async *listen(name: string, argument: unknown, signal: AbortSignal): AsyncGenerator<unknown, void> {
    const call = this.#start({ type: "listen", name, argument }, signal);
    let consumed = 0;
    try {
      while (call.events.length > 0 || call.outcome === null) {
        if (call.events.length === 0) {
          await nextMessage(call);
          continue;
        }
        const event = call.events.shift();
        consumed += 1;
        if (consumed === EVENTS_PER_CREDIT) {
          consumed = 0;
          this.#sendTo(call, { type: "credit", id: call.id, events: EVENTS_PER_CREDIT });
        }
        yield event;
      }
      readOutcome(call.outcome, signal);
      this.#options.onServed();
    } finally {
      if (call.outcome === null) this.#end(call, { type: "leave", id: call.id });
      while (call.outcome === null) await nextMessage(call);
    }
  }

  receive(message: Extract<ChildMessage, { id: number }>): void {
    const call = this.#pending.get(message.id);
    if (call === undefined) return;
    switch (message.type) {
      case "event":
        call.events.push(message.event);
        call.wake();
        return;
      case "answer":
        this.#settle(call, { type: "ended", value: message.value });
        return;
      case "end":
        this.#settle(call, { type: "ended", value: undefined });
        return;
      case "failed":
        this.#settle(call, { type: "failed", error: message.error === null ? null : decodeAiError(message.error) });
    }
  }

  /** Ends every call that runs and every later one with an error. What came before is still consumed. */
  fail(createError: () => AiError): void {
    this.#createError ??= createError;
    for (const call of this.#pending.values()) this.#settle(call, { type: "failed", error: createError() });
  }

  #start(request: CallRequest, signal: AbortSignal): PendingCall {
    signal.throwIfAborted();
    if (this.#createError !== null) throw this.#createError();
    this.#lastId += 1;
    const id = this.#lastId;
    this.#options.send({ ...request, id });
    const onAbort = () => this.#end(call, { type: "abort", id, reason: encodeAiError(signal.reason, signal) });
    const call: PendingCall = {
      id,
      signal,
      events: [],
      outcome: null,
      wake: () => {},
      unwatch: () => signal.removeEventListener("abort", onAbort),
      stopTimer: () => {},
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#pending.set(id, call);
    this.#options.onCount(this.#pending.size);
    return call;
  }

  /** Has the child end it, within a time. */
  #end(call: PendingCall, message: ParentMessage): void {
    this.#sendTo(call, message);
    const { clock, abortTimeMsMax, onStuck } = this.#options;
    call.stopTimer();
    call.stopTimer = clock.after(abortTimeMsMax, onStuck, "detached");
  }

  #sendTo(call: PendingCall, message: ParentMessage): void {
    if (call.outcome === null) this.#options.send(message);
  }

  #settle(call: PendingCall, outcome: Outcome): void {
    this.#pending.delete(call.id);
    call.unwatch();
    call.stopTimer();
    call.outcome = outcome;
    call.wake();
    this.#options.onCount(this.#pending.size);
  }
}

function nextMessage(call: PendingCall): Promise<void> {
  return new Promise((resolve) => {
    call.wake = resolve;
  });
}

function readOutcome(outcome: Outcome, signal: AbortSignal): unknown {
  if (outcome.type === "ended") return outcome.value;
  throw outcome.error ?? signal.reason;
}
