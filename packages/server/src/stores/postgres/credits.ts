/**
 * Credits in PostgreSQL. Each method is one statement, so it happens whole or not at all, and the database decides who
 * comes first: an `UPDATE` waits for the row and judges it as it is then. What two servers do side by side adds up.
 */

import type { CreditStore, UsageRecord } from "@openai-compat/core";
import { z } from "zod";
import { checkFree, checkGrant, checkHold, checkQuery, checkUsage } from "../credit-checks.ts";
import { isUniqueViolation } from "./database.ts";
import type { Database } from "./database.ts";
import * as sql from "./credit-statements.ts";
import { decodeLedgerRow } from "../ledger-row.ts";

const availableSchema = z.object({ available: z.number() });
const balanceSchema = z.object({ balance: z.number(), held: z.number() });

export function createCreditStore(database: Database): CreditStore {
  const readBalance = async (accountId: string) => {
    const { rows } = await database.run(sql.READ_BALANCE, [accountId]);
    return rows[0] === undefined ? { balance: 0, held: 0 } : balanceSchema.parse(rows[0]);
  };

  return {
    async hold(hold) {
      checkHold(hold);
      const { id, accountId, amount, expiresAtMs } = hold;
      const { rowCount } = await database.run(sql.HOLD, [id, accountId, amount, expiresAtMs]);
      if (rowCount > 0) return { held: true };
      const { rows } = await database.run(sql.READ_AVAILABLE, [accountId]);
      return { held: false, available: rows[0] === undefined ? 0 : availableSchema.parse(rows[0]).available };
    },
    async settle(settlement) {
      checkUsage(settlement);
      const { rowCount } = await database.run(sql.SETTLE, [settlement.holdId, ...usageValues(settlement)]);
      if (rowCount > 0) return "resolved";
      // Either there is no such hold, or it is not the one that the caller thinks of.
      const { rowCount: found } = await database.run(sql.FIND_HOLD, [settlement.holdId]);
      if (found > 0) throw new Error("A settlement is for more than was held, or for another account.");
      return "gone";
    },
    async void(holdId) {
      const { rowCount } = await database.run(sql.VOID, [holdId]);
      return rowCount > 0 ? "resolved" : "gone";
    },
    async expireHolds(nowMs) {
      const { rowCount } = await database.run(sql.EXPIRE, [nowMs, sql.EXPIRY_LOCK]);
      return rowCount;
    },
    async recordFree(record) {
      checkFree(record);
      await database.run(sql.RECORD, usageValues(record));
    },
    async grant(grant) {
      checkGrant(grant);
      const { id, accountId, amount, note, nowMs } = grant;
      await database.run(sql.OPEN_ACCOUNT, [accountId]);
      try {
        const { rows } = await database.run(sql.GRANT, [id, accountId, amount, note, nowMs]);
        if (rows[0] !== undefined) return balanceSchema.parse(rows[0]);
      } catch (thrown) {
        // The same grant came at the same time, and the other one was first.
        if (!isUniqueViolation(thrown)) throw thrown;
      }
      const { rowCount: granted } = await database.run(sql.FIND_GRANT, [id]);
      if (granted === 0) throw new Error("A grant can't take more than is available.");
      return readBalance(accountId);
    },
    readBalance,
    async listEntries(query) {
      checkQuery(query);
      const { accountId, limit } = query;
      const { rows } =
        accountId === null
          ? await database.run(sql.LIST_ALL, [limit])
          : await database.run(sql.LIST_OF_ACCOUNT, [accountId, limit]);
      return rows.map(decodeLedgerRow);
    },
    close: () => database.close(),
  };
}

/** In the order of the usage columns in `RECORD` and, after the hold's id, in `SETTLE`. */
function usageValues({ accountId, amount, nowMs, operation, modelId, requestId, units }: UsageRecord) {
  const { inputTokens, cachedTokens, outputTokens, audioMs, characters } = units;
  const counts = [inputTokens, cachedTokens, outputTokens, audioMs, characters];
  return [accountId, amount, nowMs, operation, modelId, requestId, ...counts];
}
