/** Which files and addresses of a new model its caller may name, and whether they are there. */

import { open, realpath, stat } from "node:fs/promises";
import { isAbsolute, relative } from "node:path";
import { AiError } from "@openai-compat/core";
import { findEngineKind } from "../engine-kinds/index.ts";
import type { ModelConfig } from "../model-config.ts";
import type { ManagedModelSettings } from "./model-settings.ts";

export interface ModelAccess {
  readonly settings: Pick<ManagedModelSettings, "modelFolders" | "privateUpstreams">;
  readonly isOperator: boolean;
  readonly signal: AbortSignal;
}

/**
 * Files are in the folders that the settings name, for who is no operator, and can be read; an upstream is at a public
 * address and has the model.
 *
 * @throws AiError with status 400 or 403
 */
export async function checkModelAccess(config: ModelConfig, access: ModelAccess): Promise<void> {
  const kind = findEngineKind(config.engine);
  for (const file of kind.listFiles?.(config.engine) ?? []) await checkFile(file, access);
  const publicAddressesOnly = needsPublicAddresses(access);
  await kind.probe?.(config, { publicAddressesOnly, signal: access.signal });
  await checkHead(config);
}

export function needsPublicAddresses({ settings, isOperator }: Pick<ModelAccess, "settings" | "isOperator">): boolean {
  return !isOperator && !settings.privateUpstreams;
}

const PARAM = { param: "engine.model" };

async function checkFile(file: string, { settings, isOperator }: ModelAccess): Promise<void> {
  if (!isAbsolute(file)) {
    const message = "This is neither a model of the catalogue nor the absolute path of a file.";
    throw new AiError("invalid_value", message, PARAM);
  }
  // Where it really is: a link in an open folder opens no other one.
  const real = await realpath(file).catch(() => null);
  if (!isOperator && !(real !== null && (await isInside(real, settings.modelFolders)))) {
    const message =
      "This file is in none of the folders of the setting native.modelFolders, or not there. Another file can be added with a capability of the domain operator.";
    throw new AiError("invalid_value", message, PARAM);
  }
  if (real === null) throw new AiError("invalid_value", "There is no such file.", PARAM);
  await readHead(real);
}

async function isInside(real: string, folders: readonly string[]): Promise<boolean> {
  for (const folder of folders) {
    const path = relative(await realpath(folder).catch(() => folder), real);
    if (path !== "" && !path.startsWith("..") && !isAbsolute(path)) return true;
  }
  return false;
}

async function readHead(real: string): Promise<void> {
  try {
    // Before it is opened: to open a pipe is to wait for its other end.
    if (!(await stat(real)).isFile()) throw new AiError("invalid_value", "This is no file.", PARAM);
    await using file = await open(real, "r");
    const { bytesRead } = await file.read(Buffer.alloc(1), 0, 1, 0);
    if (bytesRead === 0) throw new AiError("invalid_value", "This file is empty.", PARAM);
  } catch (thrown) {
    if (thrown instanceof AiError) throw thrown;
    throw new AiError("invalid_value", "This file can't be read by the server.", { ...PARAM, cause: thrown });
  }
}

/** What the engine reads of a file to say how much memory it needs; null for one that is not pulled yet. */
async function checkHead(config: ModelConfig): Promise<void> {
  const kind = findEngineKind(config.engine);
  if ((kind.listFiles?.(config.engine) ?? []).length === 0) return;
  try {
    await kind.estimateBytes?.(config);
  } catch (thrown) {
    if (!(thrown instanceof AiError)) throw thrown;
    throw new AiError("invalid_value", thrown.message, { ...PARAM, cause: thrown });
  }
}
