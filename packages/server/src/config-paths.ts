/**
 * Paths in a configuration: `~` is the home directory, and a relative path in a file starts at the folder of that file.
 */

import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import type { z } from "zod";
import { mapTexts, readMarks } from "./config-schema.ts";

/** @param path of a file or folder. @param folder where a relative path starts; null leaves it as it is. */
function resolvePath(path: string, folder: string | null): string {
  if (path === "~" || /^~[/\\]/.test(path)) return join(homedir(), path.slice(1));
  return folder === null || isAbsolute(path) ? path : join(folder, path);
}

/**
 * The same settings with absolute paths, as far as they have the right shape.
 *
 * @param file the file that they stand in; null for the environment and the command line, where a path starts at the
 *   working directory.
 */
export function resolvePaths(schema: z.core.$ZodType, settings: object, file: string | null): Record<string, unknown> {
  const folder = file === null ? null : dirname(resolve(file));
  return mapTexts(schema, settings, (text, found) =>
    readMarks(found).isPath?.(text) === true ? resolvePath(text, folder) : text,
  );
}
