import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { configSchema } from "../config.ts";
import { ConfigError } from "../config-error.ts";
import type { Config } from "../config.ts";
import { definePostgresTests } from "../testing/postgres.ts";
import { createKey, openHome } from "./home.ts";
import type { Home } from "./home.ts";

function configFor(url: string | null): Config {
  return configSchema.parse({
    store: "postgres",
    postgres: { url },
    dataDirectory: join(tmpdir(), `openai-compat-home-${crypto.randomUUID()}`),
    auth: { jwtSecret: "a-secret-that-several-servers-share" },
  });
}

test("a store in PostgreSQL without a URL is refused, and the message names the setting", async () => {
  await expect(openHome(configFor(null))).rejects.toThrow(ConfigError);
  await expect(openHome(configFor(null))).rejects.toThrow(/postgres\.url \(OPENAI_COMPAT_POSTGRES_URL\)/);
});

test("a database that is not there is refused at the start", async () => {
  const opening = openHome(configFor("postgresql://ada:secret-password@127.0.0.1:1/credits"));
  await expect(opening).rejects.toThrow(
    new ConfigError("The database can't be used. PostgreSQL: connect ECONNREFUSED 127.0.0.1:1"),
  );
});

const KEY = { accountId: "ada", name: "laptop", capabilities: [], expiresAtMs: null };

async function open(config: Config): Promise<Home> {
  const home = await openHome(config);
  onTestFinished(() => home.stores.close());
  return home;
}

await definePostgresTests("an installation in PostgreSQL", (postgres) => {
  test("a key that is made on one machine is known on another, and neither keeps a file", async () => {
    const url = await postgres.createSchemaUrl();
    const configs = [configFor(url), configFor(url)] as const;
    const laptop = await open(configs[0]);
    const server = await open(configs[1]);
    const { id } = await createKey(laptop.stores.apiKeys, KEY);
    expect(await server.stores.apiKeys.list()).toMatchObject([{ id, name: "laptop" }]);
    for (const { dataDirectory } of configs) expect(existsSync(dataDirectory)).toBe(false);
  });
});
