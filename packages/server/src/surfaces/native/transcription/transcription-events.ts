/** What a realtime session says, as the events of a transcription; those that wait for their reader are bounded. */

import type { RealtimeEndReason, RealtimeOutput } from "@openai-compat/core";
import type { TranscriptionEvent } from "@openai-compat/spec";
import { encodeRealtimeError } from "../../openai/realtime/encode-event.ts";

/** @returns null for what a transcription has no event for. */
export function mapOutput(output: RealtimeOutput): TranscriptionEvent | null {
  switch (output.type) {
    case "speech-started":
      return { type: output.type, turnId: output.itemId, audioStartMs: Math.round(output.audioStartMs) };
    case "speech-stopped":
      return { type: output.type, turnId: output.itemId, audioEndMs: Math.round(output.audioEndMs) };
    case "text-delta":
      return { type: output.type, turnId: output.itemId, text: output.text };
    case "turn-completed": {
      const { itemId: turnId, text, heardMs, language } = output;
      return { type: output.type, turnId, text, heardMs, language };
    }
    case "turn-failed":
      return { type: output.type, turnId: output.itemId, error: describe(output.error) };
    case "error":
      return { type: output.type, error: describe(output.error) };
    case "end":
      return { type: output.type, reason: mapReason(output.reason) };
    case "session-created":
    case "session-updated":
    case "committed":
    case "cleared":
    case "item-added":
    case "item-done":
    case "item-retrieved":
    case "item-deleted":
      return null;
  }
}

function describe(error: Parameters<typeof encodeRealtimeError>[0]) {
  const { code, message, param } = encodeRealtimeError(error);
  return { code: code ?? error.code, message, param };
}

function mapReason(reason: RealtimeEndReason): Extract<TranscriptionEvent, { type: "end" }>["reason"] {
  return reason === "disconnected" || reason === "refused" ? "closed" : reason;
}

/** Beyond so many events that wait for a reader the transcription is given up. */
export const WAITING_EVENTS_MAX = 4096;

export class EventQueue implements AsyncIterableIterator<TranscriptionEvent> {
  readonly #waiting: TranscriptionEvent[] = [];
  #hasEnded = false;
  #wake = () => {};

  /** @returns whether there is room for more. */
  add(event: TranscriptionEvent): boolean {
    this.#waiting.push(event);
    this.#wake();
    return this.#waiting.length < WAITING_EVENTS_MAX;
  }

  end(): void {
    this.#hasEnded = true;
    this.#wake();
  }

  async next(): Promise<IteratorResult<TranscriptionEvent, undefined>> {
    for (;;) {
      const value = this.#waiting.shift();
      if (value !== undefined) return { value };
      if (this.#hasEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
