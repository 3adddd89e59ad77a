import pg from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { findObstacle, startPostgresServer } from "../../testing/postgres-server.ts";
import type { PostgresServer } from "../../testing/postgres-server.ts";
import { TEST_CERTIFICATE } from "../../testing/tls-certificate.ts";
import { openDatabase } from "./database.ts";

const SETTINGS = { connectionsMax: 2, waitingMax: 10, connectionTimeoutMs: 2000, statementTimeoutMs: 2000 };
const IS_ENCRYPTED = {
  name: "is_encrypted",
  text: "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
};
const obstacle = findObstacle();
if (obstacle !== null) console.warn(`PostgreSQL over TLS: not tested, because ${obstacle}.`);

describe.skipIf(obstacle !== null)("PostgreSQL over TLS", () => {
  let server: PostgresServer | undefined;
  beforeAll(async () => void (server = await startPostgresServer({ tls: TEST_CERTIFICATE })));
  afterAll(() => server?.stop());

  function run(change: (url: URL) => void) {
    const url = new URL(server?.url ?? "");
    change(url);
    const database = openDatabase(pg, { ...SETTINGS, url: url.href });
    onTestFinished(() => database.close());
    return database.run(IS_ENCRYPTED, []);
  }

  test("a server whose certificate and name are right is spoken to, encrypted", async () => {
    const { rows } = await run(() => {});
    expect(rows).toEqual([{ ssl: true, version: "TLSv1.3" }]);
  });

  test("a server with an untrusted certificate is refused", async () => {
    await expect(run((url) => url.searchParams.delete("sslrootcert"))).rejects.toThrow(/self-signed certificate/);
  });

  test("a server that goes by another name is refused", async () => {
    await expect(run((url) => void (url.hostname = "127.0.0.1"))).rejects.toThrow(/does not match certificate/);
  });
});
