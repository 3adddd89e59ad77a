/**
 * What a start advises: how to get a key, and credits where calls cost some. Each command finds this server's store.
 */

import type { ApiKeyRecord, Balance, RegisteredModel } from "@openai-compat/core";
import { isPersistent, locateStore } from "../stores/open-stores.ts";
import type { StoreConfig } from "../stores/open-stores.ts";
import { describeCommand, quoteWord } from "./invocation.ts";
import type { SharedOptions } from "./shared-options.ts";

export interface AdvisedServer {
  readonly config: StoreConfig;
  /** What this server was started with. */
  readonly shared: SharedOptions;
}

/** On each start. */
const KEYS_NAMED_MAX = 3;

/** @param existing keys that can be used; none on a first start. */
export function adviseKeys(existing: readonly ApiKeyRecord[], server: AdvisedServer): readonly string[] {
  const { config } = server;
  if (!isPersistent(config)) return ["The key is valid until the server stops."];
  const create = describeOwnCommand("keys create", server);
  if (existing.length === 0) return ["This key is not shown again. Create more with:", create];
  const names = existing.slice(0, KEYS_NAMED_MAX).map(({ name, secretTail }) => `  ${name} (sk-…${secretTail})`);
  const more = existing.length - names.length;
  return [
    `Keys in ${locateStore(config)}:`,
    ...names,
    ...(more === 0 ? [] : [`  and ${more} more`]),
    "Their secrets are not stored, only hashes. Create a new key with:",
    create,
  ];
}

export interface AdvisedAccount extends AdvisedServer {
  readonly account: string;
  readonly balance: Balance;
}

/** The calls below would be refused: an account that was granted nothing can pay for nothing. */
export function adviseCredits(models: readonly RegisteredModel[], server: AdvisedAccount): readonly string[] {
  const { account, balance, config } = server;
  const isPaid = models.some(({ prices }) => Object.values(prices).some((price) => price > 0));
  if (!isPaid || !isPersistent(config) || balance.balance - balance.held > 0) return [];
  return [
    `Calls cost credits, and the account "${account}" has none. Grant some with:`,
    describeOwnCommand(`credits grant ${account} 100`, server),
  ];
}

function describeOwnCommand(words: string, { shared }: AdvisedServer): string {
  const given = [
    ...(shared.config === undefined ? [] : ["--config", quoteWord(shared.config)]),
    ...(shared.dataDirectory === undefined ? [] : ["--data-directory", quoteWord(shared.dataDirectory)]),
  ];
  return `  ${describeCommand([words, ...given].join(" "))}`;
}
