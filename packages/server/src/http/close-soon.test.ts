import { createServer } from "node:http";
import { connect } from "node:net";
import { expect, onTestFinished, test, vi } from "vitest";
import { lingerWhereUnread } from "./close-soon.ts";

/** A server that answers before it has read any of a body. @returns its port. */
async function startRefusing(lingers: boolean): Promise<number> {
  const http = createServer((incoming, outgoing) => {
    incoming.on("error", () => {});
    outgoing.on("error", () => {});
    if (lingers) lingerWhereUnread(incoming, outgoing);
    outgoing.writeHead(413, { connection: "close" }).end("too large");
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void http.close());
  const address = http.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** A client that sends most of its body when the answer has ended. @returns how its connection ended. */
async function sendOn(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    socket.on("error", (error) => resolve(`failed: ${error.message}`));
    socket.on("close", () => resolve("closed"));
    socket.resume().on("end", () => {
      // The first piece provokes a reset where there is one, and the second one meets it.
      socket.write(Buffer.alloc(1_000_000), () => setTimeout(() => socket.end(Buffer.alloc(1_000_000)), 20));
    });
    socket.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 50000000\r\n\r\n");
  });
}

test("a client may go on sending for a while after an answer to a body that was not read", async () => {
  const port = await startRefusing(true);
  // Where the machine is busy, the while may be over before the client sends.
  await vi.waitFor(async () => expect(await sendOn(port)).toBe("closed"), { timeout: 20_000 });
});

test("the server of the platform resets such a connection", async () => {
  expect(await sendOn(await startRefusing(false))).toMatch(/^failed: /);
});
