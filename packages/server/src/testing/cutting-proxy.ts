/** A network between a client and a server that loses connections in the middle of an answer. */

import { once } from "node:events";
import { connect, createServer } from "node:net";
import { onTestFinished } from "vitest";

export interface CuttingProxy {
  /** The same server, through the proxy. */
  readonly baseUrl: string;
  /** How many connections were cut so far. */
  readonly cuts: () => number;
}

/**
 * @param limits bytes of the server after which a connection is cut, of one connection after the other that gets so far;
 *   those after them are not cut.
 */
export async function startCuttingProxy(baseUrl: string, limits: readonly number[]): Promise<CuttingProxy> {
  const waiting = [...limits];
  let cuts = 0;
  const { hostname, port } = new URL(baseUrl);
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    let passed = 0;
    const end = () => {
      client.destroy();
      server.destroy();
    };
    client.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes: Buffer) => {
      const limit = waiting[0] ?? Number.POSITIVE_INFINITY;
      const left = limit - passed;
      passed += bytes.length;
      if (bytes.length < left) {
        client.write(bytes);
        return;
      }
      waiting.shift();
      cuts += 1;
      // What came before the cut still arrives: half a message, or half a character.
      client.end(bytes.subarray(0, left), () => end());
      server.destroy();
    });
    for (const socket of [client, server]) {
      socket.on("error", end);
      socket.on("close", end);
    }
  }).listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  const address = proxy.address();
  if (address === null || typeof address === "string") throw new Error("the proxy listens on no port");
  return { baseUrl: baseUrl.replace(`:${port}`, `:${address.port}`), cuts: () => cuts };
}
