/**
 * What one installation keeps between starts: the stores and the secret that signs tokens, in a directory that only its
 * owner can enter; or the stores in PostgreSQL. With a store in memory nothing is kept and nothing is written.
 */

import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { generateApiKey } from "@openai-compat/core";
import type { ApiKeyStore, GrantedCapability, JwtSettings, KeySetSettings } from "@openai-compat/core";
import { ConfigError } from "../config-error.ts";
import type { Config } from "../config.ts";
import { fetchKeySet } from "../http/fetch-key-set.ts";
import { createMemoryStores } from "../stores/memory.ts";
import { openPostgresStores } from "../stores/postgres/open-postgres-stores.ts";
import { openSqliteStores } from "../stores/sqlite.ts";
import type { Stores } from "../stores/stores.ts";

export interface Home {
  readonly stores: Stores;
  readonly jwt: JwtSettings;
}

export type HomeConfig = Pick<Config, "auth" | "dataDirectory" | "postgres" | "store">;

/** Named after what it held first. Renamed, it would part from the side files of a server that runs. */
export const DATABASE_FILE = "keys.sqlite";
const SECRET_BYTES = 32;
/** Of a secret in a file; what this program writes is longer. */
export const SECRET_LENGTH_MIN = 32;

/** In the data directory. */
export const SECRET_FILE = "jwt-secret";

/** @throws ConfigError when the data directory or the database can't be used. */
export async function openHome(config: HomeConfig): Promise<Home> {
  const readSecret = () => useDataDirectory(config, (path) => readOrCreateSecret(join(path, SECRET_FILE)));
  switch (config.store) {
    case "memory":
      return { stores: createMemoryStores(), jwt: resolveJwt(config, createSecret) };
    case "sqlite": {
      const jwt = resolveJwt(config, readSecret);
      return { stores: useDataDirectory(config, (path) => openSqliteStores(join(path, DATABASE_FILE))), jwt };
    }
    case "postgres": {
      const jwt = resolveJwt(config, readSecret);
      return { stores: await openPostgres(config.postgres), jwt };
    }
  }
}

function useDataDirectory<Value>({ dataDirectory }: HomeConfig, use: (path: string) => Value): Value {
  try {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    return use(dataDirectory);
  } catch (thrown) {
    throw new ConfigError(`The data directory ${dataDirectory} can't be used: ${messageOf(thrown)}`);
  }
}

async function openPostgres({ url, ...bounds }: HomeConfig["postgres"]): Promise<Stores> {
  if (url === null) throw new ConfigError('"store": "postgres" needs postgres.url (OPENAI_COMPAT_POSTGRES_URL).');
  try {
    return await openPostgresStores({ url, ...bounds });
  } catch (thrown) {
    throw new ConfigError(`The database can't be used. ${messageOf(thrown)}`);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

export interface NewKeyOptions {
  readonly accountId: string;
  readonly name: string;
  readonly capabilities: readonly GrantedCapability[];
  readonly expiresAtMs: number | null;
}

/** Stores a new key. @returns its handle and its secret, which can't be had again. */
export async function createKey(
  apiKeys: ApiKeyStore,
  options: NewKeyOptions,
): Promise<{ readonly id: string; readonly secret: string }> {
  const { secret, record } = generateApiKey({ ...options, nowMs: Date.now() });
  await apiKeys.insert(record);
  return { id: record.id, secret };
}

function resolveJwt(config: HomeConfig, createOrReadSecret: () => string): JwtSettings {
  const { auth } = config;
  return {
    secret: auth.jwtSecret ?? createOrReadSecret(),
    issuer: auth.jwtIssuer,
    audience: auth.jwtAudience,
    clockToleranceSeconds: auth.clockToleranceSeconds,
    ...(auth.jwksUrl === null ? {} : { keySet: mapKeySetSettings(auth, auth.jwksUrl) }),
  };
}

function mapKeySetSettings(auth: HomeConfig["auth"], url: string): KeySetSettings {
  const { jwksTimeoutMs: timeoutMs, jwksBytesMax: bytesMax, jwksKeysMax: keysMax } = auth;
  return {
    fetchSet: () => fetchKeySet({ url, timeoutMs, bytesMax, keysMax }),
    maxAgeMs: auth.jwksMaxAgeMs,
    staleGraceMs: auth.jwksStaleGraceMs,
    cooldownMs: auth.jwksCooldownMs,
  };
}

function createSecret(): string {
  return randomBytes(SECRET_BYTES).toString("base64url");
}

/** Two processes may start at once: the one that makes the file wins, the other reads it. */
function readOrCreateSecret(path: string): string {
  try {
    writeFileSync(path, createSecret(), { flag: "wx", mode: 0o600, flush: true });
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
  }
  const secret = readFileSync(path, "utf8").trim();
  if (secret.length < SECRET_LENGTH_MIN) {
    throw new Error(`${path} holds fewer than ${SECRET_LENGTH_MIN} characters. Remove it to have a new secret made.`);
  }
  return secret;
}
