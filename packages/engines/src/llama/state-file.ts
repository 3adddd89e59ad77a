/** Files in the machine's memory that have no name: only this process can open them, and they end with it. */

import { constants } from "node:fs";
import { access, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { StateFile } from "./saved-prefixes.ts";

const MEMORY_FOLDER = "/dev/shm";
/** Only this user reads and writes it, before it loses its name too. */
const OWN_FILE = 0o600;

/** Whether this machine has such files: Linux does, where the folder is mounted. */
export async function canOpenStateFiles(): Promise<boolean> {
  if (process.platform !== "linux") return false;
  try {
    await access(MEMORY_FOLDER, constants.W_OK);
    return true;
  } catch {
    // Not mounted, or not for this user: an answer, not an error.
    return false;
  }
}

/** @returns a path that opens the file anew for as long as it is not closed */
export async function openStateFile(): Promise<StateFile> {
  const name = join(MEMORY_FOLDER, `prefix-${process.pid}-${crypto.randomUUID()}`);
  const handle = await open(name, "wx+", OWN_FILE);
  try {
    await unlink(name);
  } catch (error) {
    await handle.close();
    throw error;
  }
  return { path: `/proc/self/fd/${handle.fd}`, close: () => handle.close() };
}
