/**
 * A second server on a database, as far as credits go. It says `ready`, waits for a line, takes holds of 10
 * micro-credits from `ada` at once, says how many it got, and keeps them until it is killed.
 *
 * Arguments: the database's URL, a name for its holds, how many to take.
 */

import { once } from "node:events";
import { openPostgresStores } from "../stores/postgres/open-postgres-stores.ts";

const [url = "", name = "", count = "0"] = process.argv.slice(2);
const { credits } = await openPostgresStores({
  url,
  connectionsMax: 4,
  waitingMax: 1000,
  connectionTimeoutMs: 10_000,
  statementTimeoutMs: 10_000,
});
process.stdout.write("ready\n");
await once(process.stdin, "data");
const outcomes = await Promise.all(
  Array.from({ length: Number(count) }, (_, number) =>
    credits.hold({ id: `${name}-${number}`, accountId: "ada", amount: 10, nowMs: 0, expiresAtMs: 1000 }),
  ),
);
process.stdout.write(`${outcomes.filter(({ held }) => held).length}\n`);
