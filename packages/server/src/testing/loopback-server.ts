/** A server on a free port of the loopback address that answers as a test says. */

import { createServer } from "node:http";
import type { RequestListener } from "node:http";

export interface LoopbackServer {
  readonly url: string;
  close(): Promise<void>;
}

export async function startLoopbackServer(answer: RequestListener): Promise<LoopbackServer> {
  const http = createServer(answer);
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    http.listen(0, "127.0.0.1", resolve);
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The server has no port.");
  return {
    url: `http://127.0.0.1:${address.port}/keys`,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

export function answerJson(value: unknown): RequestListener {
  return (_request, response) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));
}
