/**
 * The ends of the choices of a stream, each a chunk with a finish reason. They wait until nothing more comes for their
 * choice, because some upstreams say a reason before the last text, or in each chunk, and clients read no further.
 */

import type { ChunkOperationId } from "@openai-compat/core";
import type { ChunkEncoder } from "./chunk-encoder.ts";
import type { JsonRecord } from "./json-value.ts";
import { type ChoiceNormaliser, encodeEmptyChoice } from "./normalise-choice.ts";

export interface HeldEndings {
  isEmpty(): boolean;
  /**
   * In the place of what is held for this choice.
   *
   * @param value the chunk that said the reason
   * @param choice of it, where it says nothing else; null where the rest of it is sent
   */
  hold(normaliser: ChoiceNormaliser, value: JsonRecord, choice: JsonRecord | null): void;
  /** Chunks that can be sent: those of all choices but these, for which something came. */
  take(continued: readonly ChoiceNormaliser[]): readonly string[];
}

export function createHeldEndings(encoder: ChunkEncoder, operation: ChunkOperationId): HeldEndings {
  const held = new Map<ChoiceNormaliser, { readonly value: JsonRecord; readonly choice: JsonRecord | null }>();
  return {
    isEmpty: () => held.size === 0,
    hold: (normaliser, value, choice) => void held.set(normaliser, { value: { ...value }, choice }),
    take(continued) {
      const taken: string[] = [];
      for (const [normaliser, { value, choice }] of held) {
        if (continued.includes(normaliser)) continue;
        const end = choice ?? encodeEmptyChoice(operation, normaliser.index);
        taken.push(encoder.encode(value, [{ ...end, finish_reason: normaliser.reason() }]));
        held.delete(normaliser);
      }
      return taken;
    },
  };
}
