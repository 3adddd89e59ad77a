/** `openai-compat credits`: grants credits, shows balances and usage. A running server sees a grant at once. */

import { randomUUID } from "node:crypto";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import type { Balance, CreditStore, LedgerEntry } from "@openai-compat/core";
import { ConfigError } from "../config-error.ts";
import { ENTRIES_LISTED_MAX, NOTE_LENGTH_MAX } from "../stores/credit-checks.ts";
import { openStores, requirePersistent } from "../stores/open-stores.ts";
import { formatCredits, parseCredits } from "./credit-amount.ts";
import { renderTable } from "./print-table.ts";
import { addSharedOptions, resolveSettings } from "./shared-options.ts";
import type { SharedOptions } from "./shared-options.ts";

interface GrantOptions extends SharedOptions {
  readonly note: string;
}

interface UsageOptions extends SharedOptions {
  readonly account?: string;
  readonly limit: number;
  readonly json?: true;
}

export function addCreditsCommand(program: Command): void {
  const credits = program.command("credits").description("grant credits, show balances and usage");

  addSharedOptions(credits.command("grant").description("add to an account's balance and print it"))
    .argument("<account>", "the account, as tokens and keys name it")
    .argument("<amount>", "credits, such as 12.5; negative takes back what is not in use", parseCredits)
    .option("--note <text>", `why, for the log; up to ${NOTE_LENGTH_MAX} characters`, parseNote, "")
    .action(async (account: string, amount: number, options: GrantOptions) => {
      await withCredits(options, (store) => grant(store, { account, amount, note: options.note }));
    });

  addSharedOptions(credits.command("balance").description("print an account's balance and what running calls hold"))
    .argument("<account>", "the account, as tokens and keys name it")
    .action(async (account: string, options: SharedOptions) => {
      await withCredits(options, async (store) => {
        await noteNewAccount(store, account);
        printBalance(await store.readBalance(account));
      });
    });

  addSharedOptions(credits.command("usage").description("list what was granted and charged, newest first"))
    .option("--account <id>", "of this account alone")
    .option("--limit <number>", `how many entries, up to ${ENTRIES_LISTED_MAX}`, parseLimit, 50)
    .option("--json", "one JSON object a line, with amounts in micro-credits (millionths)")
    .action(async (options: UsageOptions) => {
      await withCredits(options, async (store) => {
        const entries = await store.listEntries({ accountId: options.account ?? null, limit: options.limit });
        if (options.account !== undefined && entries.length === 0) await noteNewAccount(store, options.account);
        if (options.json === true) for (const entry of entries) process.stdout.write(`${encodeEntry(entry)}\n`);
        else printEntries(entries);
      });
    });
}

async function withCredits(options: SharedOptions, use: (store: CreditStore) => Promise<void>): Promise<void> {
  const config = resolveSettings(options);
  requirePersistent(config, "credits live in the server alone: no command can reach them.");
  const stores = await openStores(config);
  try {
    await use(stores.credits);
  } finally {
    await stores.close();
  }
}

async function grant(
  store: CreditStore,
  { account, amount, note }: { readonly account: string; readonly amount: number; readonly note: string },
): Promise<void> {
  if (amount === 0) throw new ConfigError("The amount must not be 0.");
  const { balance, held } = await store.readBalance(account);
  if (-amount > balance - held) {
    const available = formatCredits(balance - held);
    throw new ConfigError(
      `The account "${account}" has ${available} available; ${formatCredits(-amount)} can't be taken back.`,
    );
  }
  if (amount > Number.MAX_SAFE_INTEGER - balance) {
    throw new ConfigError(`The balance of ${account} can't go beyond ${formatCredits(Number.MAX_SAFE_INTEGER)}.`);
  }
  await noteNewAccount(store, account);
  printBalance(await store.grant({ id: randomUUID(), accountId: account, amount, note, nowMs: Date.now() }));
}

/** Any text is an account, so a name that was misspelt is one that nothing is known of. */
async function noteNewAccount(store: CreditStore, account: string): Promise<void> {
  if ((await store.listEntries({ accountId: account, limit: 1 })).length > 0) return;
  process.stderr.write(`note: nothing was ever granted or charged to the account "${account}".\n`);
}

function printBalance({ balance, held }: Balance): void {
  const parts = [
    ["balance", balance],
    ["held", held],
    ["available", balance - held],
  ] as const;
  process.stdout.write(`${parts.map(([name, amount]) => `${name} ${formatCredits(amount)}`).join("\t")}\n`);
}

const ENTRY_COLUMNS = ["time", "account", "credits", "operation", "model or note", "request", "units"];

function printEntries(entries: readonly LedgerEntry[]): void {
  const rows = entries.map(describeEntry);
  process.stdout.write(renderTable({ header: ENTRY_COLUMNS, rows }, process.stdout.isTTY));
}

function describeEntry(entry: LedgerEntry): readonly string[] {
  const time = new Date(entry.createdAtMs).toISOString();
  const common = [time, entry.accountId, formatCredits(entry.amount)];
  if (entry.kind === "grant") return [...common, "grant", entry.note, "", ""];
  const units = Object.entries(entry.units).flatMap(([name, count]) => (count === 0 ? [] : [`${name}=${count}`]));
  return [...common, entry.operation, entry.modelId, entry.requestId, units.join(" ")];
}

function encodeEntry({ amount, ...entry }: LedgerEntry): string {
  return JSON.stringify({ ...entry, microCredits: amount });
}

function parseNote(text: string): string {
  if (text.length > NOTE_LENGTH_MAX) throw new InvalidArgumentError(`Expected at most ${NOTE_LENGTH_MAX} characters.`);
  return text;
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d{1,5}$/.test(text) || limit < 1 || limit > ENTRIES_LISTED_MAX) {
    throw new InvalidArgumentError(`Expected 1 to ${ENTRIES_LISTED_MAX}.`);
  }
  return limit;
}
