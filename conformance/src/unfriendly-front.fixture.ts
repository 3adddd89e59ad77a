/** A proxy in front of a server that conforms, which makes it unfriendly: what it does to each request is one function. */

import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request as sendRequest,
  type ServerResponse,
} from "node:http";
import { once } from "node:events";

export interface Visit {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Counted from 1. */
  readonly nth: number;
  readonly body: Buffer;
  /** Answers as the server behind it does. */
  readonly pass: () => void;
  /** Ends the proxy: nothing listens afterwards. */
  readonly die: () => void;
}

export type Front = (visit: Visit) => void;

export interface ServedFront extends Disposable {
  /** With the path of the server behind it. */
  readonly baseUrl: string;
}

/** On a free port of 127.0.0.1, until it is disposed of. */
export async function serveFront(behind: string, front: Front): Promise<ServedFront> {
  const target = new URL(behind);
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    const nth = requests;
    void readBody(request).then(
      (body) => {
        const pass = (): void => void passOn({ request, response, body }, target.origin);
        front({ request, response, nth, body, pass, die });
      },
      () => response.destroy(),
    );
  });
  const die = (): void => {
    server.close();
    server.closeAllConnections();
  };
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The proxy has no port.");
  return { baseUrl: `http://127.0.0.1:${address.port}${target.pathname}`, [Symbol.dispose]: die };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of request as AsyncIterable<Uint8Array>) parts.push(part);
  return Buffer.concat(parts);
}

function passOn(
  { request, response, body }: Pick<Visit, "request" | "response" | "body">,
  origin: string,
): ClientRequest {
  const { connection: _, "transfer-encoding": __, expect: ___, ...headers } = request.headers;
  const sent = sendRequest(`${origin}${request.url}`, {
    method: request.method,
    headers: { ...headers, "content-length": body.length },
  });
  sent.on("response", (answer) => {
    response.writeHead(answer.statusCode ?? 0, answer.headers);
    answer.on("error", () => response.destroy());
    answer.pipe(response);
  });
  sent.on("error", () => response.destroy());
  response.on("close", () => sent.destroy());
  return sent.end(body);
}
