/** What is judged: where it is, which keys fit it and which models it has. Built by `resolve-target.ts`. */

import type { KeyName } from "./check-context.ts";

/** Every key that a recipe may hold. */
export const KEY_NAMES = ["full", "no_capability", "no_credit", "expired"] as const satisfies readonly KeyName[];

/** Roles that a recipe may give a model id for. */
export const MODEL_ROLES = ["chat", "embedding", "transcription", "speech"] as const;
export type ModelRole = (typeof MODEL_ROLES)[number];

export interface Target {
  /** Without a trailing slash: `http://127.0.0.1:8080/v1`. */
  readonly baseUrl: string;
  /** The credentials themselves; they leave the process only towards the target. */
  readonly keys: Readonly<Partial<Record<KeyName, string>>>;
  readonly models: Readonly<Partial<Record<ModelRole, string>>>;
}
