/** Where pulled models lie: one cache for every command of this project. Computes paths, creates nothing. */
import { homedir } from "node:os";
import path from "node:path";

export interface CacheDirectoryOptions {
  readonly environment?: NodeJS.ProcessEnv;
  readonly platform?: NodeJS.Platform;
  readonly homeDirectory?: string;
}

/**
 * `OPENAI_COMPAT_CACHE` when set; else the platform's place for caches: `%LOCALAPPDATA%\openai-compat`,
 * `~/Library/Caches/openai-compat`, or `openai-compat` in `$XDG_CACHE_HOME` or `~/.cache`.
 *
 * As the XDG base directory specification asks, a relative `XDG_CACHE_HOME` is ignored.
 */
export function cacheDirectory(options: CacheDirectoryOptions = {}): string {
  const { environment = process.env, platform = process.platform, homeDirectory = homedir() } = options;
  const paths = platform === "win32" ? path.win32 : path.posix;
  const chosen = environment["OPENAI_COMPAT_CACHE"];
  if (chosen !== undefined && chosen !== "") return paths.resolve(chosen);
  if (platform === "win32") {
    return paths.join(environment["LOCALAPPDATA"] ?? paths.join(homeDirectory, "AppData", "Local"), "openai-compat");
  }
  if (platform === "darwin") return paths.join(homeDirectory, "Library", "Caches", "openai-compat");
  const base = environment["XDG_CACHE_HOME"] ?? "";
  return paths.join(paths.isAbsolute(base) ? base : paths.join(homeDirectory, ".cache"), "openai-compat");
}
