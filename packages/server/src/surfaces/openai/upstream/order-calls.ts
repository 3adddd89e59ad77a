/**
 * Puts the pieces of calls in order: all of one call, then all of the next one. Some upstreams send calls side by side,
 * or begin them all before they go on with the first. Arguments are complete when they are a whole JSON object.
 */

import { AiError } from "@openai-compat/core";
import type { AnswerEvent } from "./answer-event.ts";

export interface CallOrder {
  /** @returns what can be passed on by now. @throws AiError `upstream_failed` for more of a call that was complete */
  push(event: AnswerEvent): readonly AnswerEvent[];
  /** Called when no piece follows. @returns what still waits, in order */
  end(): readonly AnswerEvent[];
}

interface OpenCall {
  readonly callIndex: number;
  readonly kind: "function" | "custom";
  text: string;
}

export function createCallOrder(): CallOrder {
  let open: OpenCall | null = null;
  let waiting: AnswerEvent[] = [];

  function push(event: AnswerEvent): readonly AnswerEvent[] {
    if (event.type === "tool-call-delta" && open?.callIndex === event.callIndex) {
      open.text += event.text;
      return waiting.length > 0 && isComplete(open) ? [event, ...release()] : [event];
    }
    if (open === null || (waiting.length === 0 && isComplete(open))) return begin(event);
    waiting.push(event);
    return [];
  }

  function release(): readonly AnswerEvent[] {
    const held = waiting;
    waiting = [];
    return held.flatMap(push);
  }

  function begin(event: AnswerEvent): readonly AnswerEvent[] {
    if (event.type === "tool-call-delta") {
      // Whitespace after an object is no part of it.
      if (event.text.trim() === "") return [];
      throw new AiError("upstream_failed", "The upstream went on with a call that was complete. Please try again.");
    }
    open = event.type === "tool-call-start" ? { callIndex: event.callIndex, kind: event.kind, text: "" } : null;
    return [event];
  }

  return {
    push,
    end() {
      const passed: AnswerEvent[] = [];
      while (waiting.length > 0) {
        // A call with broken arguments is passed on as it is.
        open = null;
        passed.push(...release());
      }
      return passed;
    },
  };
}

function isComplete({ kind, text }: OpenCall): boolean {
  if (kind === "custom") return true;
  if (!/\}\s*$/.test(text.slice(-100))) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
