/**
 * The connections to PostgreSQL: a bounded pool, a bounded wait for a connection, and a time limit on each statement.
 * Nothing is tried twice. A lost connection fails the statement that it carried; the next one opens another, so the
 * stores come back by themselves when the database does. It knows no table.
 */

import type pgModule from "pg";
import { describeThrown } from "../../describe-thrown.ts";
import type { PostgresSettings } from "./settings.ts";

export interface Statement {
  /** Unique: the server prepares a statement under this name, once per connection. */
  readonly name: string;
  readonly text: string;
}

type SingleValue = string | number | null | Uint8Array;
export type StatementValue = SingleValue | boolean | readonly SingleValue[];

export interface StatementResult {
  /** 64-bit integers are numbers. */
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly rowCount: number;
}

export interface Database {
  /**
   * One round trip, and one transaction.
   *
   * @throws Error when the database refuses the statement or can't be reached in time. Of a statement that timed out or
   *   lost its connection, it is unknown whether it took effect.
   */
  run(statement: Statement, values: readonly StatementValue[]): Promise<StatementResult>;
  /** Statements under way may finish. Closing again waits for the same end. */
  close(): Promise<void>;
}

/** A connection on which nothing has come back for this long is closed. */
const IDLE_TIMEOUT_MS = 30_000;
/** The server ends a statement that takes too long; a server that can't any more is given up this much later. */
const ANSWER_GRACE_MS = 1000;
const UNIQUE_VIOLATION = "23505";

/** Connects to nothing yet: the first statement does. */
export function openDatabase(pg: typeof pgModule, settings: PostgresSettings): Database {
  const pool = new pg.Pool({
    ...connectionOptions(pg, settings.url),
    max: settings.connectionsMax,
    connectionTimeoutMillis: settings.connectionTimeoutMs,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: settings.statementTimeoutMs,
    query_timeout: settings.statementTimeoutMs + ANSWER_GRACE_MS,
  });
  // Without a listener, an idle connection that is lost would end the process. The pool has dropped it already, and the
  // statement that needs another one says why when there is none to be had.
  pool.on("error", () => {});
  let closing: Promise<void> | null = null;
  return {
    async run({ name, text }, values) {
      if (pool.waitingCount >= settings.waitingMax) {
        throw new Error(`PostgreSQL: ${settings.waitingMax} statements are waiting for a connection already.`);
      }
      try {
        const { rows, rowCount } = await pool.query<Record<string, unknown>>({ name, text, values: [...values] });
        return { rows, rowCount: rowCount ?? 0 };
      } catch (thrown) {
        throw toDatabaseError(thrown);
      }
    },
    close: () => (closing ??= pool.end()),
  };
}

/** What every connection has in common, whatever it is for. */
export function connectionOptions(pg: typeof pgModule, url: string): pgModule.ClientConfig {
  return {
    connectionString: url,
    application_name: "openai-compat",
    keepAlive: true,
    types: {
      getTypeParser: (type, format) =>
        type === pg.types.builtins.INT8 ? decodeInt8 : pg.types.getTypeParser(type, format),
    },
  };
}

/** @throws Error for an integer that a number can't hold exactly. */
function decodeInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new Error(`PostgreSQL: ${text} is more than a number can hold exactly.`);
  return value;
}

/** @returns an error that says what happened; the one from below is its cause. */
export function toDatabaseError(thrown: unknown): Error {
  // A host name with several addresses fails with all their errors, under a message that is empty.
  const reasons = thrown instanceof AggregateError ? thrown.errors : [thrown];
  const text = reasons.map(describeThrown).join("; ");
  return new Error(`PostgreSQL: ${text}`, { cause: thrown });
}

/** Whether a statement failed because its key is taken. */
export function isUniqueViolation(error: unknown): boolean {
  if (!(error instanceof Error) || !(error.cause instanceof Error)) return false;
  return "code" in error.cause && error.cause.code === UNIQUE_VIOLATION;
}
