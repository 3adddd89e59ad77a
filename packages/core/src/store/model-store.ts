/**
 * Where models live that were added while the server ran: they are there after a restart, and other servers on the same
 * store find them by its revision. A store knows nothing of what a definition says.
 */

import type { ModelType } from "../operations.ts";

export interface StoredModel {
  readonly id: string;
  /** What it is, as JSON; no secret is in it. */
  readonly definition: string;
  /** Its secrets, as whoever stored it wants to have them: encrypted or not. Null for none. */
  readonly secrets: string | null;
  /** Another one after each change, also when a removed model is added again. */
  readonly version: number;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type NewStoredModel = Omit<StoredModel, "version" | "updatedAtMs">;
export type StoredModelChange = Pick<StoredModel, "id" | "definition" | "secrets" | "updatedAtMs" | "version">;

export interface ModelSnapshot {
  /** Of these models, or of an earlier state of them: a reader that remembers it misses no later change. */
  readonly revision: number;
  /** The oldest first. */
  readonly models: readonly StoredModel[];
  /** Which model `default` means, of the types for which that was said; it need not be a stored one. */
  readonly defaults: Readonly<Partial<Record<ModelType, string>>>;
}

export interface ModelStore {
  /** Grows with every change, made by whichever server. One cheap read. */
  readRevision(): Promise<number>;
  read(): Promise<ModelSnapshot>;
  /**
   * @param modelsMax how many there may be, this one included. What is added at the same time by several servers may
   *   exceed it by as many.
   * @returns `taken`: there is a model with this id; `full`: there are as many. Nothing is stored then.
   */
  insert(model: NewStoredModel, modelsMax: number): Promise<"stored" | "taken" | "full">;
  /**
   * @param change its `version` is the one that it was made from
   * @returns false when the model has another version by now, or is gone; nothing is changed then
   */
  update(change: StoredModelChange): Promise<boolean>;
  /** With it goes what was said of it as a default. @returns false when there is none */
  remove(id: string): Promise<boolean>;
  setDefault(type: ModelType, id: string): Promise<void>;
  close(): Promise<void>;
}
