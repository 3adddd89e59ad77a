/** The settings of a PostgreSQL store, as they stand under `postgres` in the configuration. It loads no driver. */

import { z } from "zod";
import { SECRET, settingMarks } from "../../settings/marks.ts";
import { databaseCount, databaseMilliseconds } from "../../settings/units.ts";

export const postgresSchema = z.strictObject({
  url: z
    .string()
    .refine(isPostgresUrl, { error: "use postgresql://user:password@host:port/database" })
    .nullable()
    .default(null)
    .describe("The database of the store postgres, TLS by its sslmode (verify-full); best kept in the environment.")
    .register(settingMarks, SECRET),
  connectionsMax: databaseCount.default(10).describe("Connections that this server opens to the database."),
  waitingMax: databaseCount.default(4096).describe("Statements that may wait for a connection; more fail at once."),
  connectionTimeoutMs: databaseMilliseconds
    .default(3000)
    .describe("How long a statement waits for a connection, a free one or a new one."),
  statementTimeoutMs: databaseMilliseconds.default(5000).describe("How long a statement may take."),
});

export type PostgresSettings = z.output<typeof postgresSchema> & { readonly url: string };

function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text);
}
