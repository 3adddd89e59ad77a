/** TLS in front of a server that has none: the official SDK opens realtime sessions over `wss` alone. */

import { connect } from "node:net";
import { createServer } from "node:tls";
import { onTestFinished } from "vitest";
import { TEST_CERTIFICATE } from "./tls-certificate.ts";

/** @returns the base URL with `https` and a port of its own */
export async function startTlsFront(baseUrl: string): Promise<string> {
  const { port: serverPort, pathname } = new URL(baseUrl);
  const front = createServer({ key: TEST_CERTIFICATE.key, cert: TEST_CERTIFICATE.certificate }, (client) => {
    const server = connect(Number(serverPort), "127.0.0.1");
    client.pipe(server).pipe(client);
    client.on("error", () => server.destroy());
    server.on("error", () => client.destroy());
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => void front.close(() => resolve())));
  const address = front.address();
  if (address === null || typeof address === "string") throw new Error("The front listens on no TCP port.");
  return `https://localhost:${address.port}${pathname}`;
}
