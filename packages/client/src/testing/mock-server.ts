/** An HTTP server under control, for tests of what the client does with answers. */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { onTestFinished } from "vitest";

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

export type Answer = (response: ServerResponse, request: SeenRequest) => void | Promise<void>;

/** @param answers one for each request in turn; the last one for all that follow. It closes when the test ends. */
export async function startMockServer(...answers: readonly Answer[]) {
  const requests: SeenRequest[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      const pieces: Buffer[] = [];
      for await (const piece of request) if (Buffer.isBuffer(piece)) pieces.push(piece);
      const { method = "", url = "", headers } = request;
      const seen = { method, url, headers, body: Buffer.concat(pieces) };
      requests.push(seen);
      await answers[Math.min(requests.length, answers.length) - 1]?.(response, seen);
    })();
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return { baseURL: `http://127.0.0.1:${address.port}/v1`, requests };
}

export function answerJson(body: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify(body));
  };
}

/** What a stream sends at once; `null` breaks the connection off. */
export type StreamPiece = string | Uint8Array | null;

export function answerStream(...pieces: readonly StreamPiece[]): Answer {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "req_stream" });
    for (const piece of pieces) {
      if (piece === null) return void response.destroy();
      response.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    response.end();
  };
}
