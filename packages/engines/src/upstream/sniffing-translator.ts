/** Chooses the translator by the first character of the body where the head can't be trusted. */

import type { UpstreamEvent } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";

const BYTE_ORDER_MARK: readonly number[] = [0xef, 0xbb, 0xbf];
const WHITE_SPACE: readonly number[] = [0x09, 0x0a, 0x0d, 0x20];

/** @param choose gets the first character that is no white space; empty where there is none. @throws what it throws */
export function createSniffingTranslator(choose: (first: string) => AnswerTranslator): AnswerTranslator {
  const held: Uint8Array[] = [];
  let chosen: AnswerTranslator | null = null;

  function begin(first: string): Iterable<UpstreamEvent> {
    chosen = choose(first);
    return chosen.push(held.splice(0));
  }

  return {
    push(chunks) {
      if (chosen !== null) return chosen.push(chunks);
      held.push(...chunks);
      const first = findFirst(chunks);
      return first === null ? [] : begin(first);
    },
    end() {
      if (chosen !== null) return chosen.end();
      const begun = [...begin("")];
      return [...begun, ...(chosen === null ? [] : endOf(chosen))];
    },
    holdsBack: () => chosen?.holdsBack?.() === true,
    release: () => chosen?.release?.() ?? [],
    isComplete: () => chosen?.isComplete() === true,
    awaitsUsage: () => chosen?.awaitsUsage() === true,
    abandon: () => (chosen ??= choose("")).abandon(),
  };
}

function endOf(translator: AnswerTranslator): Iterable<UpstreamEvent> {
  return translator.end();
}

function findFirst(chunks: readonly Uint8Array[]): string | null {
  for (const chunk of chunks) {
    const byte = chunk.find((value) => !WHITE_SPACE.includes(value) && !BYTE_ORDER_MARK.includes(value));
    if (byte !== undefined) return String.fromCharCode(byte);
  }
  return null;
}
