/**
 * What an embedding engine is to the rest of the service: one loaded (or loadable) model that turns texts into vectors.
 * All that crosses this interface can be structured-cloned, as with a chat engine. An engine knows nothing of accounts,
 * queues or wire formats.
 */

/**
 * A text, or the token ids of one in the model's own vocabulary, without the markers that the model puts around them.
 */
export type EmbeddingInput = string | readonly number[];

/** An input that the engine has tokenised, markers included: counted once, evaluated without a second pass. */
export interface PreparedInput {
  readonly tokens: readonly number[];
}

export interface PreparedInputs {
  readonly inputs: readonly PreparedInput[];
  /** The longest input of the model as it was loaded: at most what `limits` says. */
  readonly contextTokens: number;
  /** Of every vector that the model makes. */
  readonly dimensions: number;
}

/** Known before the model is loaded, and never changed. */
export interface EmbeddingEngineLimits {
  /** The longest input, in tokens, markers included: the most. A model may have been trained for less, as `prepare` says. */
  readonly contextTokens: number;
  /** Calls that run side by side; the inputs of one call may run side by side too. */
  readonly concurrency: number;
}

export interface EmbeddingVector {
  /** The index of the input. */
  readonly index: number;
  /** Of length 1, with as many dimensions as the model has. */
  readonly vector: Float32Array<ArrayBuffer>;
}

export interface EmbeddingEngine {
  readonly type: "embedding";
  readonly limits: EmbeddingEngineLimits;
  /**
   * Whether the first dimensions of a vector are a vector by themselves (Matryoshka representation learning,
   * https://arxiv.org/abs/2205.13147): what the model was trained for, never guessed.
   */
  readonly isTruncatable: boolean;

  /**
   * Tokenises, in the order given. Loads the model first when it is not loaded. Says nothing of length.
   *
   * @throws AiError `engine_unavailable` when the model can't be loaded, `queue_timeout` when others kept the memory
   *   that it needs, `invalid_value` for a token id that the model doesn't have.
   */
  prepare(inputs: readonly EmbeddingInput[], signal: AbortSignal): Promise<PreparedInputs>;

  /**
   * A vector for each input, as soon as it is there, in any order. Ends early, by throwing the signal's reason, within
   * one input of an abort; ending the iteration early frees what it holds too.
   *
   * @throws AiError `engine_failed` when the engine breaks; what `prepare` throws when the model was unloaded since and
   *   can't be loaded again.
   */
  embed(inputs: readonly PreparedInput[], signal: AbortSignal): AsyncIterable<EmbeddingVector>;

  /** Frees the model after running calls have ended. Later calls load it again. */
  close(): Promise<void>;
}
