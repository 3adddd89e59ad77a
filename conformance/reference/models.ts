/** The models of the reference server. All write the same text; some are slow, and some fail as an upstream would. */

export interface Model {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly owned_by: string;
}

const CREATED = 1_750_000_000;

export const EMBEDDING_MODEL = "reference-embedding";

/** Those that are easily busy, by the kind of their operations. */
export const SLOW_MODELS = {
  chat: "reference-slow",
  embedding: "reference-slow-embedding",
  transcription: "reference-slow-transcription",
  speech: "reference-slow-speech",
} as const;
export const SLOW_MODEL = SLOW_MODELS.chat;

export const EMBEDDING_MODELS: readonly string[] = [EMBEDDING_MODEL, SLOW_MODELS.embedding];
export const TRANSCRIPTION_MODELS: readonly string[] = ["reference-transcription", SLOW_MODELS.transcription];
export const SPEECH_MODELS: readonly string[] = ["reference-speech", SLOW_MODELS.speech];

/** By their role in a recipe. */
export const FAILING_MODELS = {
  upstream_down: "reference-upstream-down",
  upstream_error: "reference-upstream-error",
  upstream_breaks: "reference-upstream-breaks",
} as const;

/** By their role in a recipe: their upstreams work, each in a way of its own, which clients must not notice. */
export const HABIT_MODELS = {
  upstream_compressed: "reference-upstream-compressed",
  upstream_late_usage: "reference-upstream-late-usage",
  upstream_zero_usage: "reference-upstream-zero-usage",
  upstream_unfinished: "reference-upstream-unfinished",
} as const;

/** What the failing upstream sends; only a mutant shows it. */
export const UPSTREAM_SECRET = "reference-upstream-secret";

const IDS = [
  "reference-chat",
  "reference/chat-with-slash",
  SLOW_MODEL,
  ...EMBEDDING_MODELS,
  ...TRANSCRIPTION_MODELS,
  ...SPEECH_MODELS,
  ...Object.values(FAILING_MODELS),
  ...Object.values(HABIT_MODELS),
];

export const REFERENCE_MODELS: readonly Model[] = IDS.map((id, index) => ({
  id,
  object: "model",
  created: CREATED + 86_400 * index,
  owned_by: "reference",
}));
