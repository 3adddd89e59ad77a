import { utimes, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { DEFAULT_LOCK_SETTINGS, acquireLock } from "./pull-lock.ts";
import { makeTemporaryDirectory } from "./testing/temporary-directory.ts";

test.skipIf(process.platform === "win32")(
  "a stale lock that can't be moved away is an error, no endless loop",
  async () => {
    await using directory = await makeTemporaryDirectory();
    // Room for the lock's own name, none for the longer one that it is moved to.
    const lock = path.join(directory.path, "l".repeat(240));
    await writeFile(lock, "dead");
    const longAgo = new Date(Date.now() - 3_600_000);
    await utimes(lock, longAgo, longAgo);
    const settings = DEFAULT_LOCK_SETTINGS;
    const acquired = acquireLock({ path: lock, settings, signal: AbortSignal.timeout(2000), onWaiting: () => {} });
    await expect(acquired).rejects.toMatchObject({ code: "ENAMETOOLONG" });
  },
);
