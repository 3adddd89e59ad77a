/**
 * A network between the stores and PostgreSQL that a test can break: connections through it can be cut or go silent.
 */

import { once } from "node:events";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import path from "node:path";

export interface PostgresProxy {
  /** The same database, through the proxy. */
  readonly url: string;
  /** Closes every connection, and takes no new one until `restore`. */
  cut(): void;
  /** Lets no byte through any more in either direction, on old connections and new ones, until `restore`. */
  silence(): void;
  restore(): void;
  close(): void;
}

type Mode = "open" | "cut" | "silent";
const DEFAULT_PORT = 5432;

export async function startPostgresProxy(databaseUrl: string): Promise<PostgresProxy> {
  let mode: Mode = "open";
  const pairs = new Set<readonly [Socket, Socket]>();
  const proxy = createServer((client) => {
    const server = connectTo(databaseUrl);
    const pair = [client, server] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [server, client] as const]) {
      from.on("data", (bytes) => mode === "open" && to.write(bytes));
      // Its end is news for the other end, whatever the error was.
      from.on("error", () => from.destroy());
      from.on("close", () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
    if (mode === "cut") client.destroy();
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy listens on no port");

  const cut = () => {
    mode = "cut";
    for (const [client] of pairs) client.destroy();
  };
  const url = new URL(databaseUrl);
  url.searchParams.delete("host");
  url.hostname = "127.0.0.1";
  url.port = String(address.port);
  return {
    url: url.href,
    cut,
    silence: () => {
      mode = "silent";
    },
    restore: () => {
      mode = "open";
    },
    close: () => {
      cut();
      proxy.close();
    },
  };
}

function connectTo(databaseUrl: string): Socket {
  const { hostname, port, searchParams } = new URL(databaseUrl);
  const portNumber = Number(port === "" ? DEFAULT_PORT : port);
  const directory = searchParams.get("host");
  if (directory === null) return connect(portNumber, hostname);
  return connect(path.join(directory, `.s.PGSQL.${portNumber}`));
}
