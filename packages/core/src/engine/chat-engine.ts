/**
 * What a chat engine is to the rest of the service: one loaded (or loadable) model that turns prompts into token
 * streams. All that crosses this interface can be structured-cloned, each argument, answer and event by itself, so that an engine may
 * live in another process. Two things are translated on the way: a signal crosses as its abort, and what is thrown as
 * `AiErrorData`. Nothing is known by its identity: a copy means the same.
 * An engine knows nothing of accounts, queues or wire formats.
 */

import type { AiErrorData } from "../ai-error-data.ts";
import type { ChatOutput, SchemaRelaxation } from "./chat-output.ts";

export type ChatRole = "system" | "user" | "assistant" | "tool";

export interface ChatToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it; it may be invalid JSON. */
  readonly arguments: string;
}

/** One turn. Content parts are joined before they come here; `developer` has become `system`. */
export interface ChatMessage {
  readonly role: ChatRole;
  readonly content: string;
  /** What the model reasoned before an earlier answer. What a prompt shows of it is for its template to decide. */
  readonly reasoning?: string;
  readonly name?: string;
  readonly toolCalls?: readonly ChatToolCall[];
  readonly toolCallId?: string;
}

/** How the next token is sampled. Every field is set: engines have no defaults of their own. */
export interface Sampling {
  /** 0 (greedy) to 2. */
  readonly temperature: number;
  /** 0 to 1; 1 keeps the whole distribution. */
  readonly topP: number;
  /** How many of the likeliest tokens are kept; 0 for as many as the engine can. */
  readonly topK: number;
  /** 0 to 1: tokens with less than this share of the likeliest one's probability are dropped. */
  readonly minP: number;
  /** Above 0; above 1, tokens of the answer so far are less likely to come again. */
  readonly repeatPenalty: number;
  /** -2 to 2. */
  readonly presencePenalty: number;
  /** -2 to 2. */
  readonly frequencyPenalty: number;
  /** 32-bit unsigned. The same seed, prompt and sampling give the same text where the generation is reproducible. */
  readonly seed: number;
  /** Token id to a bias of -100 (never) to 100. */
  readonly logitBias: Readonly<Record<number, number>>;
}

/** What the publisher of a model recommends; an absent field has the API's default. */
export type RecommendedSampling = {
  readonly [Key in "temperature" | "topP" | "topK" | "minP" | "repeatPenalty"]?: Sampling[Key] | undefined;
};

/** A chat as an engine is to take it. */
export interface ChatPrompt {
  readonly messages: readonly ChatMessage[];
  readonly options: GenerationOptions;
}

/** What a generation starts with: rendered and tokenised already, evaluated without a second pass. */
export interface PromptTokens {
  readonly tokens: readonly number[];
}

/** A prompt that the engine has rendered and tokenised: counted once. */
export interface PreparedPrompt extends PromptTokens {
  /** Prompt and completion together, in tokens, of the model as it was loaded: at most what `limits` says. */
  readonly contextTokens: number;
  /** What of the schemas that are hints will not be enforced. */
  readonly relaxed: readonly SchemaRelaxation[];
  /**
   * Why `generate` can't honour the options on this model; null when it can. It is no failure of `prepare`: a prompt that leaves
   * no room for an answer is the first thing to refuse.
   */
  readonly refusal: AiErrorData | null;
}

/** A text to go on with: no template, no roles. */
export interface PlainText {
  /**
   * Tokens are of this model's vocabulary. A text may contain control tokens: its sender has written the whole prompt.
   */
  readonly text: string | readonly number[];
  /** What comes after that which is to be written; null where nothing does. */
  readonly suffix: string | null;
}

/** A text as an engine is to take it. */
export interface TextPrompt extends PlainText {
  readonly options: GenerationOptions;
}

export interface TextTokens extends PromptTokens {
  readonly text: string;
  /**
   * The tokens of the text: the engine may have put others around them. `textEnd` is exclusive.
   */
  readonly textStart: number;
  readonly textEnd: number;
}

export interface PreparedText extends PreparedPrompt, TextTokens {}

/** Options of a generation beyond its prompt; an engine may not support all of them. */
export interface GenerationOptions {
  readonly sampling: Sampling;
  readonly output: ChatOutput;
  /**
   * How many of the likeliest tokens are reported for each token, 0 to 20; 0: the sampled one alone. Null: none.
   */
  readonly topLogprobs: number | null;
}

/** With the options that the prompt was prepared for; only the seed may be another. */
export interface GenerationRequest extends GenerationOptions {
  readonly prompt: PromptTokens;
  /** Of the lease that the call has taken; null for a call of one generation. The generations of a lease share one turn. */
  readonly leaseId: string | null;
  /**
   * Whoever the generation is for, as an opaque id: those of one id have the part of the engine's time that one of
   * another id has. Null: a part of its own.
   */
  readonly shareId: string | null;
  /** `text`: the prompt is a text and so is all that follows; nothing in it is reasoning or a call. */
  readonly style: "chat" | "text";
  /** The service has already made it fit the context. 0: nothing is sampled. */
  readonly tokensMax: number;
  /** Whether the tokens of the prompt are reported too, with as many of the likeliest. */
  readonly scoresPrompt: boolean;
  /**
   * Whether the text must be the same in any company: beside other calls or alone, with a cached prefix or without,
   * streamed or not. Where it need not, an engine may round as it is fastest.
   */
  readonly isReproducible: boolean;
  /** Up to four non-empty strings; the text ends before the first that appears. */
  readonly stop: readonly string[];
}

/** `tool-calls`: it ended by itself after at least one call. */
export type FinishReason = "stop" | "length" | "tool-calls";

/** A token of the vocabulary and how likely it was. */
export interface TokenProbability {
  /** Its text; a token that is part of a character has U+FFFD in it. */
  readonly text: string;
  readonly bytes: readonly number[];
  /** Natural logarithm of the probability before any sampling option changed it; never above 0. */
  readonly logprob: number;
}

export interface TokenLogprob extends TokenProbability {
  /** Likeliest first, as many as were asked for. */
  readonly top: readonly TokenProbability[];
}

/** A token of a prompt. Nothing says how likely the first one was. */
export type PromptLogprob = TokenLogprob | (Omit<TokenLogprob, "logprob"> & { readonly logprob: null });

interface Sampled {
  /** Sampled so far, those included whose text is still held back: what is charged when the call ends here. */
  readonly completionTokens: number;
}

/**
 * In this order: one `generation-start` when the prompt has been read, one `prompt-end` where the prompt is scored, any
 * number of deltas, one `generation-end`. Texts hold whole code points only, and the answer never a part of a stop
 * string. Reasoning comes before the answer, which comes before the calls; a `tool-call-delta` belongs to the last
 * `tool-call-start`.
 */
export type GenerationEvent =
  | { readonly type: "generation-start"; readonly cachedTokens: number }
  /** One for each token of the prompt, those included that the engine added. */
  | { readonly type: "prompt-end"; readonly logprobs: readonly PromptLogprob[] }
  | (Sampled & { readonly type: "reasoning-delta"; readonly text: string })
  | (Sampled & {
      readonly type: "text-delta";
      readonly text: string;
      /** Of the tokens that this text was made of, where they were asked for; their bytes are its bytes. */
      readonly logprobs?: readonly TokenLogprob[];
    })
  | (Sampled & { readonly type: "tool-call-start"; readonly name: string })
  /** The next piece of the call's arguments, which are JSON when all of them are there. */
  | (Sampled & { readonly type: "tool-call-delta"; readonly text: string })
  | (Sampled & {
      readonly type: "generation-end";
      readonly finishReason: FinishReason;
      /** Of the sampled tokens, those of the reasoning. */
      readonly reasoningTokens: number;
    });

/** Known before the model is loaded, and never changed. */
export interface ChatEngineLimits {
  /** Prompt and completion together, in tokens: the most. A model may have been trained for less, as its prompts say. */
  readonly contextTokens: number;
  /** Generations that run side by side; more wait their turn inside the engine. */
  readonly concurrency: number;
}

/** Keeps a model loaded for a call of several generations, so that it is not evicted between them. */
export interface ModelLeases {
  /**
   * The lease ends with its release, with an abort of the signal or with the engine's close, and the model stays until its
   * generations have ended. A generation with a lease that has ended takes the model as any other.
   *
   * @throws AiError as `prepare`
   */
  take(signal: AbortSignal): Promise<ModelLease>;
  /** Releasing it again, or one that is not known, changes nothing. */
  release(leaseId: string): void;
}

export interface ModelLease {
  /** Unique in this engine. */
  readonly leaseId: string;
}

export interface ChatEngine {
  readonly type: "chat";
  readonly limits: ChatEngineLimits;
  /** For requests that say nothing else. Default: nothing is recommended. */
  readonly recommendedSampling?: RecommendedSampling;

  /**
   * Renders the chat template, with the offered tools, tokenises, and says whether `generate` can honour the
   * options. Loads the model first when it is not loaded. A prompt that leaves no room for an answer need not be looked at further.
   *
   * @returns with the refusal `invalid_value` for a biased token id that the model doesn't have or can't bias, and for a strict
   *   schema that can't be enforced; `unsupported_parameter`, `unsupported_value`
   * @throws AiError `engine_unavailable` when the model can't be loaded, `queue_timeout` when others kept the memory
   *   that it needs, `invalid_request` when the template refuses the messages.
   */
  prepare(prompt: ChatPrompt, signal: AbortSignal): Promise<PreparedPrompt>;

  /**
   * Tokenises a text as it is, after the token that the model wants in front of every text. An empty one becomes the
   * beginning of a new document. Options as in `prepare`.
   *
   * @throws AiError as `prepare`; `invalid_value` for a token that the model doesn't have, `unsupported_parameter` for
   *   a suffix that it was not trained for.
   */
  prepareText(prompt: TextPrompt, signal: AbortSignal): Promise<PreparedText>;

  /**
   * One generation. Ends early, by throwing the signal's reason, within one prefill chunk of an abort, after the few events
   * that were made before; ending the iteration early frees the slot too.
   *
   * @throws AiError `engine_failed` when the engine breaks; what `prepare` throws when the model was unloaded since and
   *   can't be loaded again.
   */
  generate(request: GenerationRequest, signal: AbortSignal): AsyncIterable<GenerationEvent>;

  /** Absent where a model is never evicted. */
  readonly leases?: ModelLeases;

  /** Frees the model after running generations have ended. Later calls load it again. */
  close(): Promise<void>;
}
