/** An upstream that reads every form to its end, counts its bytes and gives one short answer to all. */

import { createServer } from "node:http";
import { serveCalls } from "../worker.ts";

export type MockUpstreamCalls = {
  /** Listens on a free port of the loopback interface. @returns the URL of the API. */
  listen: (argument: null) => Promise<string>;
  /** @returns how many bytes have arrived since the last call. */
  takeBytes: (argument: null) => Promise<number>;
};

let bytes = 0;
const server = createServer((request, response) => {
  request.on("data", (chunk: Buffer) => (bytes += chunk.length));
  request.on("end", () => response.writeHead(200, { "content-type": "application/json" }).end('{"text":"The sea."}'));
});

serveCalls({
  async listen() {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("the mock listens on no TCP port");
    return `http://127.0.0.1:${address.port}/v1`;
  },
  async takeBytes() {
    const taken = bytes;
    bytes = 0;
    return taken;
  },
} satisfies MockUpstreamCalls);
