/**
 * All stores in one SQLite file. Several processes may use it: the server answers while the command line makes keys and
 * grants credits.
 */

import { createContentBox } from "./content-box.ts";
import { createMemoryRateLimits } from "./memory-rate-limits.ts";
import { createResponseRunStore } from "./response-run-store.ts";
import { createResponseStore } from "./response-store.ts";
import { createSqliteApiKeys } from "./sqlite-api-keys.ts";
import { createSqliteClientSecrets } from "./sqlite-client-secrets.ts";
import { createSqliteCredits } from "./sqlite-credits.ts";
import { openSqliteDatabase } from "./sqlite-database.ts";
import { createSqliteEntries } from "./sqlite-entries.ts";
import { createSqliteLookups } from "./sqlite-lookups.ts";
import { createSqliteModels } from "./sqlite-models.ts";
import { createSqliteRuns } from "./sqlite-runs.ts";
import { createSqliteTasks } from "./sqlite-tasks.ts";
import { createSqliteTokenRevocations } from "./sqlite-token-revocations.ts";
import { createSqliteWriter } from "./sqlite-writer.ts";
import type { SqliteWriterOptions } from "./sqlite-writer.ts";
import type { Stores } from "./stores.ts";

export interface SqliteStoreOptions extends Pick<SqliteWriterOptions, "busyTimeoutMs"> {
  /** What responses, conversations and chats are encrypted with: 32 bytes in base64. Default: null, for not at all. */
  readonly secretKey?: string | null;
}

/**
 * @param path a file, made when it is not there.
 * @throws Error when it can't be opened, is of a later version, or this Node.js has no SQLite (before 22.13).
 */
export function openSqliteStores(path: string, options: SqliteStoreOptions = {}): Stores {
  const { secretKey = null, ...bounds } = options;
  const box = createContentBox(secretKey);
  const database = openSqliteDatabase(path);
  const writer = createSqliteWriter({ database, path, ...bounds });
  const lookups = createSqliteLookups(database);
  const probe = database.prepare(
    "INSERT INTO write_probes VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET count = (count + 1) % 1000000",
  );
  let closing: Promise<void> | null = null;
  const close = () => (closing ??= writer.close().finally(() => database.close()));
  return {
    apiKeys: { ...createSqliteApiKeys(database, writer, lookups), close },
    clientSecrets: { ...createSqliteClientSecrets(database, writer), close },
    credits: { ...createSqliteCredits(database, writer), close },
    tokenRevocations: { ...createSqliteTokenRevocations(database, writer, lookups), close },
    models: { ...createSqliteModels(database, writer), close },
    tasks: { ...createSqliteTasks(database, writer), close },
    responses: createResponseStore({ ...createSqliteEntries(database, writer), close }, box),
    responseRuns: createResponseRunStore({ ...createSqliteRuns(database, writer), close }, box),
    rateLimits: createMemoryRateLimits(),
    async probeWrite() {
      await writer.write(() => probe.run());
    },
    close,
  };
}
