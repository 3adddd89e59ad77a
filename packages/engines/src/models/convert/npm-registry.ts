/**
 * Finds the address of an npm package's tarball on the registry that the installed npm is configured for, so that it
 * can be downloaded like any other file. Installs nothing and runs no code of a package.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AiError } from "@openai-compat/core";

const REGISTRY_TIMEOUT_MS = 20_000;
const OUTPUT_BYTES_MAX = 64 * 1024;

export interface FindTarballOptions {
  readonly environment: NodeJS.ProcessEnv;
  readonly signal: AbortSignal | undefined;
}

/** @throws AiError `engine_unavailable` when there is no npm, or its registry can't be asked */
export async function findTarballUrl(
  { packageName, version }: { readonly packageName: string; readonly version: string },
  options: FindTarballOptions,
): Promise<URL> {
  const { environment, signal } = options;
  const command = process.platform === "win32" ? "npm.cmd" : "npm";
  let output: string;
  try {
    const ran = await promisify(execFile)(command, ["view", `${packageName}@${version}`, "dist.tarball"], {
      env: environment,
      timeout: REGISTRY_TIMEOUT_MS,
      maxBuffer: OUTPUT_BYTES_MAX,
      windowsHide: true,
      // Windows starts a .cmd file only through a shell; the words are the catalogue's own.
      shell: process.platform === "win32",
      ...(signal === undefined ? {} : { signal }),
    });
    output = ran.stdout;
  } catch (error) {
    signal?.throwIfAborted();
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const reason = code === "ENOENT" ? "no npm was found on this machine" : "npm could not ask its registry";
    throw new AiError("engine_unavailable", reason, { cause: error });
  }
  const url = URL.parse(output.trim());
  if (url !== null && /^https?:$/.test(url.protocol)) return url;
  throw new AiError("engine_unavailable", "npm named no address for the package");
}
