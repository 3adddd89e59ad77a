/** All stores of one PostgreSQL database, which several servers may share. */

import type { Stores } from "../stores.ts";
import { createApiKeyStore } from "./api-keys.ts";
import { createClientSecretStore } from "./client-secrets.ts";
import { createCreditStore } from "./credits.ts";
import { openDatabase } from "./database.ts";
import type { Statement } from "./database.ts";
import { migrate } from "./migrate.ts";
import { createModelStore } from "./models.ts";
import { createPostgresRateLimits } from "./rate-limits.ts";
import type { PostgresSettings } from "./settings.ts";
import { createTaskStore } from "./tasks.ts";
import { createTokenRevocationStore } from "./token-revocations.ts";

const PROBE_WRITE: Statement = {
  name: "probe_write",
  text: `INSERT INTO write_probes VALUES (1, 1)
    ON CONFLICT (id) DO UPDATE SET count = (write_probes.count + 1) % 1000000`,
};

/**
 * Brings the tables up to date, which several servers may do at once. The driver is loaded by the call.
 *
 * @throws Error when the database can't be reached, refuses, or is of a later version.
 */
export async function openPostgresStores(settings: PostgresSettings): Promise<Stores> {
  const { default: pg } = await import("pg");
  await migrate(pg, settings);
  const database = openDatabase(pg, settings);
  return {
    apiKeys: createApiKeyStore(database),
    clientSecrets: createClientSecretStore(database),
    credits: createCreditStore(database),
    tokenRevocations: createTokenRevocationStore(database),
    models: createModelStore(database),
    tasks: createTaskStore(database),
    rateLimits: createPostgresRateLimits(database),
    async probeWrite() {
      await database.run(PROBE_WRITE, []);
    },
    close: () => database.close(),
  };
}
