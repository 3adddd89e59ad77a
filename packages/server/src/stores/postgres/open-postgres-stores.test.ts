import {
  apiKeyStoreContract,
  creditStoreContract,
  rateLimitStoreContract,
  tokenRevocationStoreContract,
} from "@openai-compat/core/store-contract";
import { definePostgresTests } from "../../testing/postgres.ts";
import { openPostgresStores } from "./open-postgres-stores.ts";

const SETTINGS = { connectionsMax: 4, waitingMax: 2000, connectionTimeoutMs: 5000, statementTimeoutMs: 5000 };

await definePostgresTests("the stores in PostgreSQL", (postgres) => {
  const open = (url: string) => openPostgresStores({ ...SETTINGS, url });
  const openEmpty = async () => open(await postgres.createSchemaUrl());

  apiKeyStoreContract("PostgreSQL", async () => (await openEmpty()).apiKeys);
  tokenRevocationStoreContract("PostgreSQL", async () => (await openEmpty()).tokenRevocations);
  rateLimitStoreContract("PostgreSQL", async () => (await openEmpty()).rateLimits);
  creditStoreContract("PostgreSQL", async () => (await openEmpty()).credits, {
    async openPair() {
      const url = await postgres.createSchemaUrl();
      return [(await open(url)).credits, (await open(url)).credits];
    },
  });
});
