/** The settings of a PostgreSQL store, as they stand under `postgres` in the configuration. It loads no driver. */

import { z } from "zod";

const milliseconds = z.int().min(1).max(3_600_000);
const count = z.int().min(1).max(1_000_000);

export const postgresSchema = z.strictObject({
  url: z
    .string()
    .refine(isPostgresUrl, { error: "use postgresql://user:password@host:port/database" })
    .nullable()
    .default(null)
    .describe("The database of the store postgres, TLS by its sslmode (verify-full); best kept in the environment."),
  connectionsMax: count.default(10).describe("Connections that this server opens to the database."),
  waitingMax: count.default(4096).describe("Statements that may wait for a connection; more fail at once."),
  connectionTimeoutMs: milliseconds
    .default(3000)
    .describe("How long a statement waits for a connection, a free one or a new one."),
  statementTimeoutMs: milliseconds.default(5000).describe("How long a statement may take."),
});

export type PostgresSettings = z.output<typeof postgresSchema> & { readonly url: string };

function isPostgresUrl(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text);
}
