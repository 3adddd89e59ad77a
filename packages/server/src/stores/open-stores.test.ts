import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { configSchema } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { Config } from "../config.ts";
import { definePostgresTests } from "../testing/postgres.ts";
import { createKey } from "../cli/keys.ts";
import { isPersistent, locateStore, openStores, requirePersistent } from "./open-stores.ts";
import type { Stores } from "./stores.ts";

function configFor(url: string | null): Config {
  return configSchema.parse({
    store: "postgres",
    postgres: { url },
    dataDirectory: join(tmpdir(), `openai-compat-home-${crypto.randomUUID()}`),
    auth: { jwtSecret: "a-secret-that-several-servers-share" },
  });
}

test.each([
  ["memory", false, "memory"],
  ["sqlite", true, join("/var/lib/ai", "keys.sqlite")],
  ["postgres", true, "the database"],
] as const)("a store of the kind %s says whether it is kept (%s) and where", (store, kept, place) => {
  const config = configSchema.parse({ store, dataDirectory: "/var/lib/ai" });
  expect(isPersistent(config)).toBe(kept);
  expect(locateStore(config)).toBe(place);
  const command = () => requirePersistent(config, "nothing can be managed.");
  if (kept) expect(command).not.toThrow();
  else expect(command).toThrow(new ConfigError('With "store": "memory" nothing can be managed.'));
});

test("a store in PostgreSQL without a URL is refused, and the message names the setting", async () => {
  await expect(openStores(configFor(null))).rejects.toThrow(ConfigError);
  await expect(openStores(configFor(null))).rejects.toThrow(/postgres\.url \(OPENAI_COMPAT_POSTGRES_URL\)/);
});

test("a database that is not there is refused at the start", async () => {
  const opening = openStores(configFor("postgresql://ada:secret-password@127.0.0.1:1/credits"));
  await expect(opening).rejects.toThrow(
    new ConfigError("The database can't be used. PostgreSQL: connect ECONNREFUSED 127.0.0.1:1"),
  );
});

const KEY = { accountId: "ada", name: "laptop", capabilities: [], expiresAtMs: null };

async function open(config: Config): Promise<Stores> {
  const stores = await openStores(config);
  onTestFinished(() => stores.close());
  return stores;
}

await definePostgresTests("an installation in PostgreSQL", (postgres) => {
  test("a key that is made on one machine is known on another, and neither keeps a file", async () => {
    const url = await postgres.createSchemaUrl();
    const configs = [configFor(url), configFor(url)] as const;
    const laptop = await open(configs[0]);
    const server = await open(configs[1]);
    const { id } = await createKey(laptop.apiKeys, KEY);
    expect(await server.apiKeys.list()).toMatchObject([{ id, name: "laptop" }]);
    for (const { dataDirectory } of configs) expect(existsSync(dataDirectory)).toBe(false);
  });
});
