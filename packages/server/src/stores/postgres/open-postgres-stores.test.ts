import {
  apiKeyStoreContract,
  clientSecretStoreContract,
  creditStoreContract,
  modelStoreContract,
  responseRunStoreContract,
  responseStoreContract,
  taskStoreContract,
  rateLimitStoreContract,
  tokenRevocationStoreContract,
} from "@openai-compat/core/store-contract";
import { definePostgresTests, execute } from "../../testing/postgres.ts";
import { openPostgresStores } from "./open-postgres-stores.ts";

const SETTINGS = { connectionsMax: 4, waitingMax: 2000, connectionTimeoutMs: 5000, statementTimeoutMs: 5000 };
const TABLES = [
  "api_keys",
  "client_secrets",
  "revoked_tokens",
  "accounts",
  "holds",
  "ledger",
  "rate_limits",
  "write_probes",
  "stored_models",
  "model_defaults",
  "tasks",
  "stored_chains",
  "response_runs",
];

await definePostgresTests("the stores in PostgreSQL", (postgres) => {
  const open = (url: string) => openPostgresStores({ ...SETTINGS, url });
  // Making tables takes ten times as long as emptying them.
  const schema = postgres.createSchemaUrl();
  const openEmpty = async () => {
    const stores = await open(await schema);
    await execute(await schema, TABLES.map((table) => `DELETE FROM ${table}`).join(";"));
    return stores;
  };

  apiKeyStoreContract("PostgreSQL", async () => (await openEmpty()).apiKeys);
  clientSecretStoreContract("PostgreSQL", async () => (await openEmpty()).clientSecrets);
  modelStoreContract("PostgreSQL", async () => (await openEmpty()).models);
  responseStoreContract("PostgreSQL", async () => (await openEmpty()).responses);
  responseRunStoreContract("PostgreSQL", async () => (await openEmpty()).responseRuns);
  taskStoreContract("PostgreSQL", async () => (await openEmpty()).tasks);
  tokenRevocationStoreContract("PostgreSQL", async () => (await openEmpty()).tokenRevocations);
  rateLimitStoreContract("PostgreSQL", async () => (await openEmpty()).rateLimits);
  creditStoreContract("PostgreSQL", async () => (await openEmpty()).credits, {
    async openPair() {
      return [(await openEmpty()).credits, (await open(await schema)).credits];
    },
  });
});
