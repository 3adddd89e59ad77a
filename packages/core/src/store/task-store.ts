/** Where tasks live: system prompts with examples, which an account keeps for its prompts. Nobody sees another's. */

export interface TaskExample {
  readonly prompt: string;
  readonly answer: string;
}

export interface StoredTask {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  /** Id or name of a model, or `default`; it need not be there. */
  readonly modelId: string;
  readonly systemPrompt: string;
  readonly examples: readonly TaskExample[];
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface TaskStore {
  /** The oldest first. */
  list(accountId: string): Promise<readonly StoredTask[]>;
  /** Null also for a task of another account. */
  find(accountId: string, id: string): Promise<StoredTask | null>;
  /**
   * @param accountMax how many its account may have, this one included. What is added at the same time on several
   *   connections may exceed it by as many.
   * @returns false when there are as many; nothing is stored then
   * @throws Error when the id is taken
   */
  insert(task: StoredTask, accountMax: number): Promise<boolean>;
  /** Everything but its id, its account and when it was made. @returns false when the account has no such task */
  update(task: StoredTask): Promise<boolean>;
  /** @returns false when the account has no such task */
  remove(accountId: string, id: string): Promise<boolean>;
  close(): Promise<void>;
}
