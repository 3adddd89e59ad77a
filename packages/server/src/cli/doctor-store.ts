/** Whether the store can be opened, is whole, and is of a version that this program knows. It migrates nothing. */

import { existsSync } from "node:fs";
import type * as sqliteModule from "node:sqlite";
import { describeReason } from "../describe-thrown.ts";
import type { Config } from "../config.ts";
import { locateStore } from "../stores/open-stores.ts";
import { connectionOptions } from "../stores/postgres/database.ts";
import { POSTGRES_VERSION } from "../stores/postgres/migrate.ts";
import { SQLITE_VERSION } from "../stores/sqlite-migrations.ts";
import type { Finding } from "./doctor-finding.ts";

const about = "store";

export async function examineStore(config: Config): Promise<Finding> {
  switch (config.store) {
    case "memory":
      return { about, status: "warn", message: "in memory: keys and credits are gone when the server stops" };
    case "sqlite":
      return examineSqlite(locateStore(config));
    case "postgres":
      return examinePostgres(config.postgres);
  }
}

function examineSqlite(path: string): Finding {
  const sqlite: typeof sqliteModule | undefined = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined) {
    return { about, status: "fail", message: `Node.js ${process.versions.node} has no SQLite: use 22.13 or later` };
  }
  if (!existsSync(path)) return { about, status: "ok", message: `${path} will be made by the first start` };
  try {
    const database = new sqlite.DatabaseSync(path, { readOnly: true });
    try {
      const damage = String(database.prepare("PRAGMA quick_check(1)").get()?.["quick_check"]);
      if (damage !== "ok") return { about, status: "fail", message: `${path} is damaged, restore a copy: ${damage}` };
      return judgeVersion(Number(database.prepare("PRAGMA user_version").get()?.["user_version"]), SQLITE_VERSION);
    } finally {
      database.close();
    }
  } catch (thrown) {
    return { about, status: "fail", message: `${path} can't be opened: ${describeReason(thrown)}` };
  }
}

async function examinePostgres({ url, connectionTimeoutMs, statementTimeoutMs }: Config["postgres"]): Promise<Finding> {
  if (url === null) return { about, status: "fail", message: "postgres.url is not set" };
  const { host, pathname } = new URL(url);
  const place = `${host}${pathname}`;
  try {
    const { default: pg } = await import("pg");
    const client = new pg.Client({
      ...connectionOptions(pg, url),
      connectionTimeoutMillis: connectionTimeoutMs,
      query_timeout: statementTimeoutMs,
    });
    // A connection that is lost fails the query under way, which throws; the event would end the process besides.
    client.on("error", () => {});
    try {
      await client.connect();
      const { rows } = await client.query("SELECT to_regclass('openai_compat_version') IS NOT NULL AS is_there");
      if (rows[0]?.is_there !== true)
        return { about, status: "ok", message: `${place} answers; its tables will be made` };
      const versions = await client.query("SELECT version FROM openai_compat_version");
      return judgeVersion(Number(versions.rows[0]?.version), POSTGRES_VERSION);
    } finally {
      await client.end();
    }
  } catch (thrown) {
    return { about, status: "fail", message: `${place} can't be used: ${describeReason(thrown)}` };
  }
}

function judgeVersion(version: number, known: number): Finding {
  if (version > known) {
    const message = `the database has version ${version}, this program knows ${known}: use a newer one`;
    return { about, status: "fail", message };
  }
  const message = version < known ? "the next start brings its tables up to date" : "it opens and is up to date";
  return { about, status: "ok", message };
}
