/** What a call consumed, in the units that prices and logs speak of. Counting is the engines' business. */

/** Units of one call so far; each is a non-negative integer. */
export interface UsageUnits {
  readonly inputTokens: number;
  /** The part of `inputTokens` that was not evaluated again. It costs like the rest. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  /** Milliseconds of audio that were transcribed. */
  readonly audioMs: number;
  /** Characters that were spoken. */
  readonly characters: number;
}

export const NO_USAGE: UsageUnits = { inputTokens: 0, cachedTokens: 0, outputTokens: 0, audioMs: 0, characters: 0 };

/**
 * Where the usage of a call comes from. `measured`: counted by this server. `reported`: as the upstream says.
 * `estimated`: in part at least, from what was sent and what came, because the upstream doesn't say.
 */
export type UsageSource = "measured" | "reported" | "estimated";

/** What is charged for; each has prices of its own. */
export const BILLED_OPERATIONS = ["ai_prompt", "ai_embedding", "ai_transcription", "ai_tts"] as const;
export type BilledOperation = (typeof BILLED_OPERATIONS)[number];
