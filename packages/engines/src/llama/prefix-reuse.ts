/**
 * What a prompt finds in memory, and how it gets it onto its sequence: what the sequence itself holds, what another one
 * holds, or what was saved. What the sequence held before is saved first, where that is worth it.
 *
 * @see docs/decisions/2026-11-30-speed-is-the-default.md
 */

import type { LlamaContextSequence, Token } from "node-llama-cpp";
import type { LoadedModel } from "./loaded-model.ts";
import type { SavedPrefix } from "./saved-prefixes.ts";

export interface ReusingPrompt {
  readonly tokens: readonly Token[];
  readonly isReproducible: boolean;
  /** Whose prompt it is. */
  readonly owner: string | null;
  /** How many of its first tokens it may share with the prompts of others, all of them or none. */
  readonly sharedTokens: number;
}

/** What a template writes at the beginning of every prompt: not worth the end of another conversation. */
const PREFIX_TOKENS_MIN = 24;
/** To copy so many tokens takes a tenth of the time to read them; fewer are read. */
const COPIED_TOKENS_MIN = 128;
/** To save a token takes a hundredth of the time to read it; fewer are not worth a state that others would lose. */
const SAVED_TOKENS_MIN = 256;
/** A whole state is copied, also where little of it is needed. */
const COPIED_SHARE_MIN = 1 / 16;

/** The prefixes that are in memory: where, whose, and how they were read. */
export interface HeldPrefix {
  readonly source: LlamaContextSequence | SavedPrefix;
  readonly length: number;
  readonly owner: string | null;
  readonly readInChunks: number;
  /** How many of the first tokens are those of the prompt. */
  readonly countCommon: (tokens: readonly Token[]) => number;
}

/**
 * Chooses the free sequence that shares the longest prefix with the prompt, else the least recently used one.
 *
 * @param free least recently used first
 */
export function chooseSequence(
  loaded: LoadedModel,
  free: readonly LlamaContextSequence[],
  prompt: ReusingPrompt,
): LlamaContextSequence | undefined {
  const [oldest] = free;
  if (oldest === undefined) return undefined;
  let best = oldest;
  let mostTokens = countOnSequence(loaded, oldest, prompt) + PREFIX_TOKENS_MIN;
  for (const sequence of free) {
    const reusable = countOnSequence(loaded, sequence, prompt);
    if (reusable > mostTokens) {
      best = sequence;
      mostTokens = reusable;
    }
  }
  return best;
}

/** How a prompt gets its prefix. */
export interface PrefixPlan {
  /** How many tokens of the prompt need not be read. */
  readonly tokens: number;
  /** Where they are, if not on its sequence. */
  readonly from: HeldPrefix | null;
}

export function planPrefix(loaded: LoadedModel, sequence: LlamaContextSequence, prompt: ReusingPrompt): PrefixPlan {
  let plan: PrefixPlan = { tokens: countOnSequence(loaded, sequence, prompt), from: null };
  if (loaded.saved === null || !loaded.canCutBack) return plan;
  const others = loaded.allSequences.filter((other) => other !== sequence).map((other) => describeHeld(loaded, other));
  for (const held of [...loaded.saved.list().map(describeSaved), ...others]) {
    const tokens = countReusable(loaded, held, prompt);
    const isWorthIt = tokens >= plan.tokens + COPIED_TOKENS_MIN && tokens >= held.length * COPIED_SHARE_MIN;
    if (isWorthIt) plan = { tokens, from: held };
  }
  return plan;
}

/**
 * Carries the plan out, in a turn of the scheduler.
 *
 * @returns how many tokens the sequence then holds, not as planned where the library had to erase more; and whether a
 *   state was saved or copied: that was a turn's work, so that running streams do not wait for a chunk as well.
 */
export async function applyPrefix(
  loaded: LoadedModel,
  sequence: LlamaContextSequence,
  { prompt, plan }: { readonly prompt: ReusingPrompt; readonly plan: PrefixPlan },
): Promise<{ readonly kept: number; readonly hasCopied: boolean }> {
  const held = describeHeld(loaded, sequence);
  const lost = held.length - (plan.from === null ? plan.tokens : 0);
  const isSaved = loaded.saved !== null && lost >= SAVED_TOKENS_MIN;
  if (isSaved) await saveHeld(loaded, held);
  if (plan.from !== null) await copyHeld(loaded, plan.from, sequence);
  const end = sequence.nextTokenIndex;
  if (plan.tokens < end) await sequence.eraseContextTokenRanges([{ start: plan.tokens, end }]);
  const kept = sequence.nextTokenIndex;
  const { readInChunks } = loaded.memories.get(sequence) ?? NOTHING_READ;
  loaded.memories.set(sequence, { owner: prompt.owner, readInChunks: Math.min(kept, readInChunks) });
  return { kept, hasCopied: isSaved || plan.from !== null };
}

/** Notes that the sequence holds nothing but whole chunks of a reproducible prompt. */
export function noteChunks(loaded: LoadedModel, sequence: LlamaContextSequence): void {
  const { owner } = loaded.memories.get(sequence) ?? NOTHING_READ;
  loaded.memories.set(sequence, { owner, readInChunks: sequence.nextTokenIndex });
}

const NOTHING_READ = { owner: null, readInChunks: 0 };

function countOnSequence(loaded: LoadedModel, sequence: LlamaContextSequence, prompt: ReusingPrompt): number {
  const reusable = countReusable(loaded, describeHeld(loaded, sequence), prompt);
  return reusable < sequence.nextTokenIndex && !loaded.canCutBack ? 0 : reusable;
}

/**
 * Number of prompt tokens that need not be read again. The last token always is, for its prediction. Of a reproducible
 * prompt only whole chunks count that were read as such, and one chunk is always read again, so that every row is
 * computed as in a cold run. Of another owner's prompt no other part is used than may be shared, or none.
 */
function countReusable(
  { chunkTokens }: Pick<LoadedModel, "chunkTokens">,
  held: HeldPrefix,
  { tokens, isReproducible, owner, sharedTokens }: ReusingPrompt,
): number {
  const same = held.countCommon(tokens);
  const common = held.owner === owner ? same : same < sharedTokens ? 0 : sharedTokens;
  if (!isReproducible) return Math.min(common, tokens.length - 1);
  const inChunks = Math.min(common, held.readInChunks, tokens.length - chunkTokens);
  return inChunks < chunkTokens ? 0 : inChunks - (inChunks % chunkTokens);
}

function describeHeld(loaded: Pick<LoadedModel, "memories">, sequence: LlamaContextSequence): HeldPrefix {
  return {
    source: sequence,
    length: sequence.nextTokenIndex,
    ...(loaded.memories.get(sequence) ?? NOTHING_READ),
    countCommon: (tokens) => sequence.compareContextTokens([...tokens]).firstDifferentIndex,
  };
}

function describeSaved(saved: SavedPrefix): HeldPrefix {
  return {
    source: saved,
    length: saved.tokens.length,
    owner: saved.owner,
    readInChunks: saved.readInChunks,
    countCommon(tokens) {
      const different = saved.tokens.findIndex((token, index) => tokens[index] !== token);
      return different === -1 ? saved.tokens.length : different;
    },
  };
}

/** @returns null where it can't be saved: then it is read again, should it be needed. */
async function saveHeld(
  { saved, log }: Pick<LoadedModel, "saved" | "log">,
  { source, owner, readInChunks }: HeldPrefix,
): Promise<SavedPrefix | null> {
  if (saved === null) return null;
  if ("path" in source) return source;
  try {
    return await saved.save({ tokens: source.contextTokens, owner, readInChunks }, async (path) => {
      const { fileSize } = await source.saveStateToFile(path);
      return fileSize;
    });
  } catch (error) {
    log(
      "warn",
      `The state of a prompt could not be saved: ${error instanceof Error ? error.message : "unknown error"}`,
    );
    return null;
  }
}

/** Leaves the sequence empty where the state can't be had. */
async function copyHeld(loaded: LoadedModel, held: HeldPrefix, sequence: LlamaContextSequence): Promise<void> {
  const saved = await saveHeld(loaded, held);
  // To save what the sequence held may have evicted it.
  if (saved === null || loaded.saved?.list().includes(saved) !== true) {
    await sequence.clearHistory();
    return;
  }
  await sequence.loadStateFromFile(saved.path, { acceptRisk: true });
  loaded.saved?.touch(saved);
  loaded.memories.set(sequence, { owner: saved.owner, readInChunks: saved.readInChunks });
}
