/** All stores of one PostgreSQL database, which several servers may share. */

import { createContentBox } from "../content-box.ts";
import { createResponseRunStore } from "../response-run-store.ts";
import { createResponseStore } from "../response-store.ts";
import type { Stores } from "../stores.ts";
import { createApiKeyStore } from "./api-keys.ts";
import { createClientSecretStore } from "./client-secrets.ts";
import { createCreditStore } from "./credits.ts";
import { openDatabase } from "./database.ts";
import type { Statement } from "./database.ts";
import { createEntryStore } from "./entries.ts";
import { migrate } from "./migrate.ts";
import { createModelStore } from "./models.ts";
import { createPostgresRateLimits } from "./rate-limits.ts";
import { createRunRowStore } from "./runs.ts";
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
 * @param settings.secretKey what responses, conversations and chats are encrypted with: 32 bytes in base64. Default:
 *   null, for not at all.
 * @throws Error when the database can't be reached, refuses, or is of a later version.
 */
export async function openPostgresStores(
  settings: PostgresSettings & { readonly secretKey?: string | null },
): Promise<Stores> {
  const { secretKey = null } = settings;
  const { default: pg } = await import("pg");
  await migrate(pg, settings);
  const database = openDatabase(pg, settings);
  const box = createContentBox(secretKey);
  return {
    apiKeys: createApiKeyStore(database),
    clientSecrets: createClientSecretStore(database),
    credits: createCreditStore(database),
    tokenRevocations: createTokenRevocationStore(database),
    models: createModelStore(database),
    tasks: createTaskStore(database),
    responses: createResponseStore(createEntryStore(database), box),
    responseRuns: createResponseRunStore(createRunRowStore(database), box),
    rateLimits: createPostgresRateLimits(database),
    async probeWrite() {
      await database.run(PROBE_WRITE, []);
    },
    close: () => database.close(),
  };
}
