/**
 * `openai-compat keys`: makes, lists and revokes API keys in the persistent store. A running server sees it at once.
 */

import type { Command } from "commander";
import { generateApiKey } from "@openai-compat/core";
import type { ApiKeyRecord, ApiKeyStore, GrantedCapability } from "@openai-compat/core";
import { ConfigError } from "../config-error.ts";
import { openStores, requirePersistent } from "../stores/open-stores.ts";
import { describeCommand } from "./invocation.ts";
import { capabilitiesOption, parseDurationSeconds, printCapabilities } from "./option-values.ts";
import { renderTable } from "./print-table.ts";
import { addSharedOptions, resolveSettings } from "./shared-options.ts";
import type { SharedOptions } from "./shared-options.ts";

interface CreateOptions extends SharedOptions {
  readonly name: string;
  readonly account: string;
  readonly can: GrantedCapability[];
  readonly expiresIn?: number;
}

export function addKeysCommand(program: Command): void {
  const keys = program.command("keys").description("manage API keys");

  addSharedOptions(keys.command("create").description("make a key and print its secret, which can't be shown again"))
    .option("--name <text>", "what the key is for", "key")
    .option("--account <id>", "the account that it acts for", "default")
    .addOption(capabilitiesOption())
    .option("--expires-in <time>", "such as 12h or 30d; default: never", parseDurationSeconds)
    .action(async (options: CreateOptions) => {
      await withKeys(options, async (apiKeys) => {
        const expiresAtMs = options.expiresIn === undefined ? null : Date.now() + options.expiresIn * 1000;
        const { name, account, can } = options;
        const { id, secret } = await createKey(apiKeys, { accountId: account, name, capabilities: can, expiresAtMs });
        process.stdout.write(`${secret}\n`);
        process.stderr.write(`Made ${id}. Keep the secret: it is not shown again.\n`);
      });
    });

  addSharedOptions(keys.command("list").description("list the keys, newest first")).action(
    async (options: SharedOptions) => {
      await withKeys(options, async (apiKeys) => {
        const rows = (await apiKeys.list()).map(describeKey);
        process.stdout.write(renderTable({ header: KEY_COLUMNS, rows }, process.stdout.isTTY));
        if (rows.length === 0)
          process.stderr.write(`There are no keys. Create one with: ${describeCommand("keys create")}\n`);
      });
    },
  );

  addSharedOptions(keys.command("revoke").description("refuse a key from now on").argument("<id>", "key_…")).action(
    async (id: string, options: SharedOptions) => {
      await withKeys(options, async (apiKeys) => {
        if (!(await apiKeys.revoke(id, Date.now()))) throw new ConfigError(`There is no key ${id}.`);
        process.stderr.write(`Revoked ${id}.\n`);
      });
    },
  );
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

async function withKeys(options: SharedOptions, use: (apiKeys: ApiKeyStore) => Promise<void>): Promise<void> {
  const config = resolveSettings(options);
  requirePersistent(config, "there are no keys to manage.");
  const stores = await openStores(config);
  try {
    await use(stores.apiKeys);
  } finally {
    await stores.close();
  }
}

const KEY_COLUMNS = ["id", "secret", "account", "name", "may", "state"];

function describeKey(record: ApiKeyRecord): readonly string[] {
  const verbs = printCapabilities(record.capabilities);
  return [
    record.id,
    `sk-…${record.secretTail}`,
    record.accountId,
    record.name,
    verbs === "" ? "nothing" : verbs,
    describeState(record),
  ];
}

function describeState({ revokedAtMs, expiresAtMs }: ApiKeyRecord): string {
  if (revokedAtMs !== null) return `revoked ${new Date(revokedAtMs).toISOString()}`;
  if (expiresAtMs === null) return "active";
  const verb = expiresAtMs <= Date.now() ? "expired" : "expires";
  return `${verb} ${new Date(expiresAtMs).toISOString()}`;
}
