/**
 * Cuts a growing text before the first stop string and holds back what may still become one, so that no part of a stop
 * string is ever emitted. It works on strings of whole characters, not on bytes or tokens.
 */

export interface StopFilter {
  /** Adds the next piece and returns what can be emitted now; everything after a stop string is dropped. */
  push(text: string): string;
  /** Returns what was held back; call once, when the text has ended by itself. */
  end(): string;
  /** True once a stop string has appeared. */
  readonly stopped: boolean;
}

/**
 * The stop string that is complete first wins, and of those that end together the longest: so the cut is the same
 * however the text was split. A stop string with half a surrogate pair can't appear in a well-formed text and is
 * ignored.
 */
export function createStopFilter(stops: readonly string[]): StopFilter {
  const candidates = stops.filter((stop) => stop !== "" && stop.isWellFormed());
  let held = "";
  let stopped = false;
  return {
    push(text) {
      if (stopped) return "";
      if (candidates.length === 0) return text;
      const pending = held + text;
      const cut = findCut(pending, candidates);
      if (cut !== null) {
        stopped = true;
        held = "";
        return pending.slice(0, cut);
      }
      const keep = countHeldBack(pending, candidates);
      held = pending.slice(pending.length - keep);
      return pending.slice(0, pending.length - keep);
    },
    end() {
      const rest = held;
      held = "";
      return rest;
    },
    get stopped() {
      return stopped;
    },
  };
}

function findCut(text: string, stops: readonly string[]): number | null {
  let start: number | null = null;
  let firstEnd = Infinity;
  for (const stop of stops) {
    const index = text.indexOf(stop);
    if (index === -1) continue;
    const end = index + stop.length;
    if (end < firstEnd || (end === firstEnd && start !== null && index < start)) {
      start = index;
      firstEnd = end;
    }
  }
  return start;
}

/** The longest tail of the text that begins some stop string. */
function countHeldBack(text: string, stops: readonly string[]): number {
  let longest = 0;
  for (const stop of stops) {
    for (let length = Math.min(stop.length - 1, text.length); length > longest; length -= 1) {
      if (text.endsWith(stop.slice(0, length))) {
        longest = length;
        break;
      }
    }
  }
  return longest;
}
