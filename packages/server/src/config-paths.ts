/** Paths in a configuration: `~` is the home directory, and a relative path in a file starts at the folder of that file. */

import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";

type Settings = Readonly<Record<string, unknown>>;

/** @param path of a file or folder. @param folder where a relative path starts; null leaves it as it is. */
function resolvePath(path: string, folder: string | null): string {
  if (path === "~" || /^~[/\\]/.test(path)) return join(homedir(), path.slice(1));
  return folder === null || isAbsolute(path) ? path : join(folder, path);
}

/** A model that is named by its file, and not by its id in the catalogue. */
export function isModelPath(model: string): boolean {
  return /[/\\]|\.gguf$/i.test(model) || model === "~";
}

const PATH_SETTINGS = ["dataDirectory", "logFile"];

/**
 * The same settings with absolute paths, as far as they have the right shape.
 *
 * @param file the file that they stand in; null for the environment and the command line, where a path starts at the
 *   working directory.
 */
export function resolvePaths(settings: Settings, file: string | null): Settings {
  const folder = file === null ? null : dirname(resolve(file));
  const resolved: Record<string, unknown> = { ...settings };
  for (const name of PATH_SETTINGS) {
    const path = resolved[name];
    if (typeof path === "string" && path !== "") resolved[name] = resolvePath(path, folder);
  }
  const { models } = settings;
  if (Array.isArray(models)) resolved["models"] = models.map((model: unknown) => resolveModel(model, folder));
  return resolved;
}

function resolveModel(entry: unknown, folder: string | null): unknown {
  if (typeof entry === "string") return isModelPath(entry) ? resolvePath(entry, folder) : entry;
  if (!isSettings(entry) || !isSettings(entry["engine"])) return entry;
  const { model, kind } = entry["engine"];
  if (kind !== "llama" || typeof model !== "string" || !isModelPath(model)) return entry;
  return { ...entry, engine: { ...entry["engine"], model: resolvePath(model, folder) } };
}

function isSettings(value: unknown): value is Settings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
