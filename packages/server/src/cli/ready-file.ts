/** The recipe that tells a test suite how to reach an ephemeral target, written when it answers and never half. */

import { renameSync, rmSync, writeFileSync } from "node:fs";
import { mintToken } from "@openai-compat/core";
import type { GrantedCapability, JwtSettings, ModelType } from "@openai-compat/core";

/** Named as the suite names it. */
export interface TargetRecipe {
  readonly base_url: string;
  readonly keys: Readonly<Record<string, string>> & { readonly full: string };
  readonly models: Readonly<Record<string, string>>;
  /** What an ephemeral target has prepared for single checks. */
  readonly fixtures?: Readonly<Record<string, unknown>>;
}

/** Whose keys they are. */
export const SUITE_ACCOUNT = "suite";
export const EVERY_CAPABILITY: readonly GrantedCapability[] = [{ domain: "*", pointers: ["*"], can: ["*"] }];
const LIFETIME_SECONDS = 86_400;
const EXPIRED_SECONDS = -3600;

export interface TargetOptions {
  readonly baseUrl: string;
  readonly jwt: JwtSettings;
  /** The id of the model of each type; a type without a model is absent. */
  readonly models: Readonly<Partial<Record<ModelType, string>>>;
}

/** The keys are tokens, so that a suite can tamper with them. */
export async function createTargetRecipe(options: TargetOptions): Promise<TargetRecipe> {
  const mint = (capabilities: readonly GrantedCapability[], expiresInSeconds: number) =>
    mintToken({ settings: options.jwt, accountId: SUITE_ACCOUNT, appName: "suite", capabilities, expiresInSeconds });
  return {
    base_url: options.baseUrl,
    keys: {
      full: await mint(EVERY_CAPABILITY, LIFETIME_SECONDS),
      no_capability: await mint([], LIFETIME_SECONDS),
      expired: await mint(EVERY_CAPABILITY, EXPIRED_SECONDS),
    },
    models: options.models,
  };
}

/** A reader sees no file or the complete one, and other users can't read it. */
export function writeReadyFile(path: string, recipe: TargetRecipe): void {
  const temporary = `${path}.${process.pid}.tmp`;
  // The creator of an existing file, or of a link of its name, would control its permissions.
  rmSync(temporary, { force: true });
  writeFileSync(temporary, `${JSON.stringify(recipe, null, 2)}\n`, { flag: "wx", mode: 0o600 });
  renameSync(temporary, path);
}
