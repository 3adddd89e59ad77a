/**
 * One live transcription: a realtime session whose audio comes in calls and whose events go into a subscription. Its
 * pieces of audio are heard once each and in their order, whatever is sent again.
 */

import { AiError } from "@openai-compat/core";
import type { AuthorisedCall, RealtimeEndReason, RealtimeInput, RealtimeSession } from "@openai-compat/core";
import type { TranscriptionEvent } from "@openai-compat/spec";
import { EventQueue, mapOutput } from "./transcription-events.ts";

/** Calls of one transcription that wait until there is room for their audio. */
export const WAITING_CALLS_MAX = 32;

export interface FedPiece {
  readonly bytes: Uint8Array;
  readonly sequence: number;
}

type Input = RealtimeInput extends infer One ? (One extends unknown ? Omit<One, "eventId"> : never) : never;

export class Transcription {
  readonly accountId: string;
  readonly #session: RealtimeSession;
  readonly #events = new EventQueue();
  #next = 0;
  #waiting = 0;
  /** When all that was taken has been heard. */
  #taken: Promise<void> = Promise.resolve();
  #isRead = false;
  #isClosed = false;

  /** @param onEnd called once, when every turn is settled */
  constructor(session: RealtimeSession, accountId: string, onEnd: (reason: RealtimeEndReason) => void) {
    this.accountId = accountId;
    this.#session = session;
    this.#events.add({ type: "start", id: session.id });
    void this.#follow(onEnd);
  }

  get counts(): RealtimeSession["counts"] {
    return this.#session.counts;
  }

  /** Resolves when there is room for more. @throws AiError `invalid_value` for a gap, `queue_full` */
  async feed({ bytes, sequence }: FedPiece): Promise<void> {
    if (sequence > this.#next) {
      const message = `Invalid 'sequence': expected ${this.#next}, the pieces between have not come.`;
      throw new AiError("invalid_value", message, { param: "sequence" });
    }
    if (sequence < this.#next) return this.#taken;
    await this.#take({ type: "append", bytes }, () => (this.#next += 1));
  }

  /** @throws AiError `queue_full` */
  commit(): Promise<void> {
    return this.#take({ type: "commit" });
  }

  /** The text of turns that have ended still comes. */
  close(): void {
    this.#isClosed = true;
    void this.#taken.then(() => this.#session.close("shutting-down"));
  }

  /** Called when the server stops: as `close`, and the reader is told so. */
  shutDown(): void {
    void this.#session.close("shutting-down");
  }

  /** Nobody waits for its text any more: what runs is aborted. */
  abandon(): void {
    void this.#session.close("disconnected");
  }

  /**
   * All events, from `start` on. Leaving them, or the end of the call, ends the transcription.
   *
   * @throws AiError `invalid_value` where they are read already
   */
  read({ signal }: Pick<AuthorisedCall, "signal">): AsyncIterableIterator<TranscriptionEvent> {
    if (this.#isRead) {
      const message =
        "The text of this transcription has a subscription already. After a lost connection go on behind its last event.";
      throw new AiError("invalid_value", message, { param: "id" });
    }
    this.#isRead = true;
    signal.addEventListener("abort", () => this.abandon(), { once: true });
    if (signal.aborted) this.abandon();
    const events: AsyncIterableIterator<TranscriptionEvent> = {
      next: () => this.#events.next(),
      return: () => {
        this.abandon();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]: () => events,
    };
    return events;
  }

  async #take(input: Input, onTaken: () => void = () => {}): Promise<void> {
    if (this.#waiting >= WAITING_CALLS_MAX) {
      const message = `The transcription has as many calls that wait for it as it may have (${WAITING_CALLS_MAX}).`;
      throw new AiError("queue_full", message, { retryAfterMs: 1000 });
    }
    onTaken();
    this.#waiting += 1;
    const taken = this.#taken.then(() => this.#session.receive({ ...input, eventId: null }));
    this.#taken = taken;
    await taken;
    this.#waiting -= 1;
  }

  async #follow(onEnd: (reason: RealtimeEndReason) => void): Promise<void> {
    let reason: RealtimeEndReason = "failed";
    for await (const output of this.#session.outputs) {
      if (output.type === "end") reason = output.reason;
      const event = mapOutput(output);
      if (event === null || (this.#isClosed && isFarewell(event))) continue;
      const shown: TranscriptionEvent = event.type === "end" && this.#isClosed ? { ...event, reason: "closed" } : event;
      if (!this.#events.add(shown)) this.abandon();
    }
    this.#events.end();
    await this.#session.close("disconnected");
    onEnd(reason);
  }
}

/** The error that says that the session ends: its client ended it itself. */
function isFarewell(event: TranscriptionEvent): boolean {
  return event.type === "error" && event.error.code === SHUTTING_DOWN;
}

/** As clients get `shutting_down`. */
const SHUTTING_DOWN = "server_shutting_down";
