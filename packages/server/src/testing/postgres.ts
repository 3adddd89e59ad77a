/** A PostgreSQL for tests, or the reason why there is none; a test gets a schema of its own in it. */

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, inject, test } from "vitest";
import { z } from "zod";

const databaseSchema = z.strictObject({ url: z.string(), isEphemeral: z.boolean() });
const offerSchema = z.union([databaseSchema, z.strictObject({ missing: z.string() })]);

export interface TestPostgres {
  /** Makes an empty schema, gone after the test file. @returns a URL whose tables are made and looked for in it. */
  createSchemaUrl(): Promise<string>;
}

/**
 * Defines tests that need PostgreSQL; on a machine that can't have one, a single skipped test says why.
 *
 * @throws Error when it should be there and is not.
 */
export async function definePostgresTests(subject: string, define: (postgres: TestPostgres) => void): Promise<void> {
  const response = await fetch(inject("postgresBrokerUrl"));
  if (!response.ok) throw new Error(await response.text());
  const offer = offerSchema.parse(await response.json());
  if ("url" in offer) return define({ createSchemaUrl: () => createSchemaUrl(offer) });
  const reason = `${offer.missing}; OPENAI_COMPAT_TEST_POSTGRES_URL may name one`;
  console.warn(`${subject}: not tested, because ${reason}.`);
  test.skip(`${subject} (${reason})`, () => {});
}

async function createSchemaUrl({ url: databaseUrl, isEphemeral }: z.output<typeof databaseSchema>): Promise<string> {
  const name = `test_${randomUUID().replaceAll("-", "")}`;
  await execute(databaseUrl, `CREATE SCHEMA ${name}`);
  if (!isEphemeral) schemas.push({ databaseUrl, name });
  const url = new URL(databaseUrl);
  url.searchParams.set("options", `-c search_path=${name}`);
  return url.href;
}

/** Those that this test file leaves in someone's database. */
const schemas: { readonly databaseUrl: string; readonly name: string }[] = [];
afterAll(async () => {
  for (const { databaseUrl, name } of schemas) await execute(databaseUrl, `DROP SCHEMA ${name} CASCADE`);
});

/** Runs one statement on a connection of its own. @returns the rows. */
export async function execute(url: string, statement: string): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}
