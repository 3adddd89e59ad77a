/** A model hub on the loopback interface: serves one file with ranges and ETags, and misbehaves on request. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeHub extends AsyncDisposable {
  readonly url: string;
  /** One per request, in order. */
  readonly requests: IncomingMessage[];
  /** Each answers one request, in order; afterwards the hub behaves well. */
  readonly misbehave: (...behaviours: Behaviour[]) => void;
  /** Drops every connection whose response is not complete. */
  readonly cut: () => void;
  /** What it serves from now on. */
  readonly serve: (bytes: Buffer, etag: string) => void;
}

export async function startFakeHub(bytes: Buffer): Promise<FakeHub> {
  let served = { bytes, etag: '"first"' };
  const requests: IncomingMessage[] = [];
  const behaviours: Behaviour[] = [];
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    requests.push(request);
    open.add(response.once("close", () => open.delete(response)));
    const behaviour = behaviours.shift();
    if (behaviour === undefined) serveFile(served, request, response);
    else behaviour(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The fake hub has no port.");
  return {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    misbehave: (...added) => void behaviours.push(...added),
    cut: () => {
      for (const response of open) if (!response.writableEnded) response.destroy();
    },
    serve: (newBytes, etag) => {
      served = { bytes: newBytes, etag };
    },
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Sends the head and the first bytes, then nothing more until `cut()` drops the connection. */
export function holdAfter(bytes: Buffer, length: number, etag = '"first"'): Behaviour {
  return (_request, response) => {
    response.writeHead(200, { "content-length": bytes.length, etag });
    response.write(bytes.subarray(0, length));
  };
}

export function answerStatus(status: number, headers: Record<string, string> = {}): Behaviour {
  return (_request, response) => void response.writeHead(status, headers).end();
}

function serveFile(served: { bytes: Buffer; etag: string }, request: IncomingMessage, response: ServerResponse): void {
  const { bytes, etag } = served;
  const range = /^bytes=(\d+)-$/.exec(request.headers.range ?? "");
  if (range?.[1] === undefined || request.headers["if-range"] !== etag) {
    response.writeHead(200, { "content-length": bytes.length, etag }).end(bytes);
    return;
  }
  const start = Number(range[1]);
  const rest = bytes.subarray(start);
  const contentRange = `bytes ${start}-${bytes.length - 1}/${bytes.length}`;
  response.writeHead(206, { "content-length": rest.length, "content-range": contentRange, etag }).end(rest);
}
