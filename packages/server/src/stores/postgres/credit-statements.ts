/**
 * The statements of the credit store. Where several rows are locked, holds come before accounts, in every statement:
 * two that need the same rows wait for each other in one direction only.
 */

import type { Statement } from "./database.ts";

const USAGE_COLUMNS = `account_id, amount, created_at_ms, operation, model_id, request_id,
  input_tokens, cached_tokens, output_tokens, audio_ms, characters`;

/** $1 id, $2 account, $3 amount, $4 expiry. One row when it is held, none when there is not enough. */
export const HOLD: Statement = {
  name: "hold_credits",
  text: `
    WITH account AS (
      UPDATE accounts SET held = held + $3 WHERE id = $2 AND balance - held >= $3 RETURNING id
    )
    INSERT INTO holds (id, account_id, amount, expires_at_ms) SELECT $1, id, $3, $4 FROM account`,
};

/** $1 hold, $2 account, $3 amount and the rest of `USAGE_COLUMNS`. One row when it is settled. */
export const SETTLE: Statement = {
  name: "settle_hold",
  text: `
    WITH hold AS (
      DELETE FROM holds WHERE id = $1 AND account_id = $2 AND amount >= $3 RETURNING account_id, amount
    ), account AS (
      UPDATE accounts SET held = held - hold.amount, balance = balance - $3
      FROM hold WHERE accounts.id = hold.account_id RETURNING accounts.id
    )
    INSERT INTO ledger (${USAGE_COLUMNS})
    SELECT id, -$3::bigint, $4::bigint, $5, $6, $7, $8::bigint, $9::bigint, $10::bigint, $11::bigint, $12::bigint
    FROM account`,
};

export const FIND_HOLD: Statement = { name: "find_hold", text: "SELECT FROM holds WHERE id = $1" };

export const VOID: Statement = {
  name: "void_hold",
  text: `
    WITH hold AS (DELETE FROM holds WHERE id = $1 RETURNING account_id, amount)
    UPDATE accounts SET held = held - hold.amount FROM hold WHERE accounts.id = hold.account_id`,
};

/** Any number, as long as no other program locks the same one in this database. */
export const EXPIRY_LOCK = 7_215_093_512;

/**
 * $1 now, $2 the lock. One row for each hold that expired. Servers take turns, because each would lock many rows in an
 * order of its own, and they could wait for each other for ever.
 */
export const EXPIRE: Statement = {
  name: "expire_holds",
  text: `
    WITH turn AS MATERIALIZED (
      SELECT pg_advisory_xact_lock($2)
    ), expired AS (
      DELETE FROM holds WHERE EXISTS (SELECT FROM turn) AND expires_at_ms <= $1 RETURNING account_id, amount
    ), account AS (
      UPDATE accounts SET held = held - total.amount
      FROM (SELECT account_id, sum(amount)::bigint AS amount FROM expired GROUP BY account_id) AS total
      WHERE accounts.id = total.account_id
    )
    SELECT FROM expired`,
};

/** $1 account, $2 amount and the rest of `USAGE_COLUMNS`. */
export const RECORD: Statement = {
  name: "record_free_usage",
  text: `INSERT INTO ledger (${USAGE_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
};

export const OPEN_ACCOUNT: Statement = {
  name: "open_account",
  text: "INSERT INTO accounts (id, balance, held) VALUES ($1, 0, 0) ON CONFLICT (id) DO NOTHING",
};

/** $1 id, $2 account, $3 amount, $4 note, $5 now. No row when it was granted before, or takes more than there is. */
export const GRANT: Statement = {
  name: "grant_credits",
  text: `
    WITH account AS (
      UPDATE accounts SET balance = balance + $3
      WHERE id = $2 AND balance - held + $3 >= 0 AND NOT EXISTS (SELECT FROM ledger WHERE grant_id = $1)
      RETURNING id, balance, held
    ), entry AS (
      INSERT INTO ledger (grant_id, account_id, amount, note, created_at_ms)
      SELECT $1, id, $3, $4, $5 FROM account
    )
    SELECT balance, held FROM account`,
};

export const FIND_GRANT: Statement = { name: "find_grant", text: "SELECT FROM ledger WHERE grant_id = $1" };

export const READ_BALANCE: Statement = {
  name: "read_balance",
  text: "SELECT balance, held FROM accounts WHERE id = $1",
};

export const READ_AVAILABLE: Statement = {
  name: "read_available",
  text: "SELECT balance - held AS available FROM accounts WHERE id = $1",
};

export const LIST_ALL: Statement = {
  name: "list_ledger",
  text: "SELECT * FROM ledger ORDER BY id DESC LIMIT $1",
};

export const LIST_OF_ACCOUNT: Statement = {
  name: "list_ledger_of_account",
  text: "SELECT * FROM ledger WHERE account_id = $1 ORDER BY id DESC LIMIT $2",
};
