import { createServer } from "node:http";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { createIncomingSource } from "./body-source.ts";

const HEAD = "POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\n";

/** What one turn after its head a request gives at once, and what is read of it after that. */
async function readRequest(pieces: readonly string[]): Promise<{ whole: string | null; read: string }> {
  const read = async (incoming: IncomingMessage) => {
    await Promise.resolve();
    const source = createIncomingSource(incoming);
    const whole = await source.takeWhole();
    const chunks: Uint8Array[] = [];
    if (whole === null) await source.read((chunk) => void chunks.push(chunk), new AbortController().signal);
    return { whole: whole?.toString() ?? null, read: Buffer.concat(chunks).toString() };
  };
  const server = createServer();
  const result = new Promise<{ whole: string | null; read: string }>((resolve, reject) => {
    server.on("request", (incoming, outgoing) => {
      read(incoming)
        .finally(() => outgoing.end())
        .then(resolve, reject);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1");
  try {
    for (const piece of pieces) {
      socket.write(piece);
      await wait(20);
    }
    return await result;
  } finally {
    socket.destroy();
    server.close();
  }
}

test("a body that comes with its head is there whole", async () => {
  expect(await readRequest([`${HEAD}0123456789`])).toEqual({ whole: "0123456789", read: "" });
});

test("a body of which anything is missing is read as it comes", async () => {
  expect(await readRequest([HEAD, "0123456789"])).toEqual({ whole: null, read: "0123456789" });
  expect(await readRequest([`${HEAD}01234`, "56789"])).toEqual({ whole: null, read: "0123456789" });
});

test("a body is there when what follows it was looked at, so that garbage is answered first", async () => {
  const seen: string[] = [];
  const server = createServer((incoming) => {
    // As a handler that has waited for a promise.
    void Promise.resolve()
      .then(() => createIncomingSource(incoming).takeWhole())
      .then(() => seen.push("body"));
  });
  server.on("clientError", (_error, socket) => {
    seen.push("garbage");
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.write(`${HEAD}0123456789garbage\r\n\r\n`);
  await vi.waitFor(() => expect(seen).toHaveLength(2));
  server.close();
  expect(seen).toEqual(["garbage", "body"]);
});

test("an empty body is none that is there whole", async () => {
  const head = HEAD.replace("10", "0");
  expect(await readRequest([head])).toEqual({ whole: null, read: "" });
});
