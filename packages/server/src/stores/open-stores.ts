/**
 * Opens what a server remembers, by the kind of store that is configured: one row for each kind. `cli/doctor-store.ts`
 * alone also distinguishes the kinds.
 */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config.ts";
import { describeThrown } from "../describe-thrown.ts";
import { ConfigError } from "../config-error.ts";
import { createMemoryStores } from "./memory.ts";
import { openPostgresStores } from "./postgres/open-postgres-stores.ts";
import { openSqliteStores } from "./sqlite.ts";
import type { Stores } from "./stores.ts";

export type StoreConfig = Pick<Config, "dataDirectory" | "postgres" | "responses" | "store">;

/**
 * In the data directory. Named after what it held first: renamed, it would part from the side files of a running
 * server.
 */
export const DATABASE_FILE = "keys.sqlite";

interface StoreKind {
  /** Whether it outlives the server, so that other commands of this program can reach what is in it. */
  readonly isPersistent: boolean;
  /** Where it is, for people. */
  readonly locate: (config: StoreConfig) => string;
  /** @throws ConfigError when it can't be used */
  readonly open: (config: StoreConfig) => Stores | Promise<Stores>;
}

const STORE_KINDS: Readonly<Record<Config["store"], StoreKind>> = {
  memory: { isPersistent: false, locate: () => "memory", open: createMemoryStores },
  sqlite: {
    isPersistent: true,
    locate: ({ dataDirectory }) => join(dataDirectory, DATABASE_FILE),
    open: ({ dataDirectory, responses: { secretKey } }) =>
      useDataDirectory(dataDirectory, () => openSqliteStores(join(dataDirectory, DATABASE_FILE), { secretKey })),
  },
  postgres: { isPersistent: true, locate: () => "the database", open: openPostgres },
};

export function isPersistent({ store }: Pick<Config, "store">): boolean {
  return STORE_KINDS[store].isPersistent;
}

/** Where the store is, for people: a path, or "the database". */
export function locateStore(config: StoreConfig): string {
  return STORE_KINDS[config.store].locate(config);
}

/** @throws ConfigError when the data directory or the database can't be used. */
export async function openStores(config: StoreConfig): Promise<Stores> {
  return STORE_KINDS[config.store].open(config);
}

/**
 * For commands on what a server remembers.
 *
 * @param why what a store that ends with its server makes impossible, after `With "store": "memory"`
 * @throws ConfigError for such a store
 */
export function requirePersistent({ store }: Pick<Config, "store">, why: string): void {
  if (!isPersistent({ store })) throw new ConfigError(`With "store": "${store}" ${why}`);
}

/**
 * Makes the directory, which only its owner can enter, where it is missing.
 *
 * @throws ConfigError when it can't be used.
 */
export function useDataDirectory<Value>(dataDirectory: string, use: () => Value): Value {
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    return use();
  } catch (thrown) {
    throw new ConfigError(`The data directory ${dataDirectory} can't be used: ${describeThrown(thrown)}`);
  }
}

async function openPostgres({ postgres, responses: { secretKey } }: StoreConfig): Promise<Stores> {
  const { url, ...bounds } = postgres;
  if (url === null) throw new ConfigError('"store": "postgres" needs postgres.url (OPENAI_COMPAT_POSTGRES_URL).');
  try {
    return await openPostgresStores({ url, ...bounds, secretKey });
  } catch (thrown) {
    throw new ConfigError(`The database can't be used. ${describeThrown(thrown)}`);
  }
}
