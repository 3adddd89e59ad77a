/**
 * What sequences held before they were used for other prompts, saved outside the native context: a prompt that begins
 * with it is not read again. Bounded in bytes; the least recently used goes first. The states are in files of the
 * machine's memory that have no name, so nobody else can open them and they end with the process, however that ends.
 *
 * Nothing here runs beside an evaluation: call it in a turn of the scheduler.
 */

import type { Token } from "node-llama-cpp";

export interface SavedPrefix {
  readonly tokens: readonly Token[];
  /** How many of the first tokens were read in whole chunks of a reproducible prompt. */
  readonly readInChunks: number;
  /** Whose prompt it was. */
  readonly owner: string | null;
  /** Of its state, for as long as it is listed. */
  readonly path: string;
}

export interface StateFile {
  readonly path: string;
  readonly close: () => Promise<void>;
}

export interface SavedPrefixes {
  /** Least recently used first. */
  readonly list: () => readonly SavedPrefix[];
  /**
   * Saves what a sequence holds, unless it is saved already.
   *
   * @param write writes the state to a file and returns its bytes.
   * @returns the saved prefix; null where it has no room
   * @throws what `write` throws
   */
  readonly save: (
    held: Omit<SavedPrefix, "path">,
    write: (path: string) => Promise<number>,
  ) => Promise<SavedPrefix | null>;
  /** Call when it was used. */
  readonly touch: (prefix: SavedPrefix) => void;
  readonly close: () => Promise<void>;
}

interface Entry extends SavedPrefix {
  readonly bytes: number;
  readonly file: StateFile;
}

export interface SavedPrefixesOptions {
  /** All states together. */
  readonly bytesMax: number;
  /** Of a token in a sequence's memory: what does not fit is not written at all. */
  readonly bytesPerToken: number;
  readonly openFile: () => Promise<StateFile>;
}

export function createSavedPrefixes({ bytesMax, bytesPerToken, openFile }: SavedPrefixesOptions): SavedPrefixes {
  const entries = new Set<Entry>();

  async function remove(entry: Entry): Promise<void> {
    entries.delete(entry);
    await entry.file.close();
  }

  async function makeRoom(bytes: number): Promise<void> {
    let used = [...entries].reduce((sum, entry) => sum + entry.bytes, 0);
    for (const entry of entries) {
      if (used + bytes <= bytesMax) return;
      used -= entry.bytes;
      await remove(entry);
    }
  }

  async function write(
    held: Omit<SavedPrefix, "path">,
    file: StateFile,
    writeTo: (path: string) => Promise<number>,
  ): Promise<Entry | null> {
    try {
      const bytes = await writeTo(file.path);
      if (bytes <= bytesMax) {
        await makeRoom(bytes);
        const entry = { ...held, path: file.path, bytes, file };
        entries.add(entry);
        return entry;
      }
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
    return null;
  }

  const touch = (prefix: SavedPrefix) => {
    for (const entry of entries) {
      if (entry !== prefix) continue;
      entries.delete(entry);
      entries.add(entry);
      return;
    }
  };

  return {
    list: () => [...entries],
    touch,
    async save(held, writeTo) {
      const known = [...entries].find((entry) => covers(entry, held));
      if (known !== undefined) {
        touch(known);
        return known;
      }
      const bytes = held.tokens.length * bytesPerToken;
      if (bytes > bytesMax) return null;
      for (const entry of entries) if (covers(held, entry)) await remove(entry);
      await makeRoom(bytes);
      return write(held, await openFile(), writeTo);
    },
    async close() {
      for (const entry of entries) await remove(entry);
    },
  };
}

type Held = Omit<SavedPrefix, "path">;

/** Whether whoever may use `part` finds all of it in `whole`. */
function covers(whole: Held, part: Held): boolean {
  return (
    whole.owner === part.owner &&
    whole.readInChunks >= part.readInChunks &&
    whole.tokens.length >= part.tokens.length &&
    part.tokens.every((token, index) => whole.tokens[index] === token)
  );
}
