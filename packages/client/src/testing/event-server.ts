/** A server of the native surface whose subscriptions a test writes frame by frame, over real sockets. */

import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { createClient } from "../index.ts";
import type { ClientOptions } from "../index.ts";

export interface Arrival {
  readonly path: string;
  readonly body: unknown;
  readonly lastEventId: string | null;
  /** Writes tracked events with the ids `run:<number>`. */
  send(numbers: readonly number[]): void;
  /** Writes the bytes of one frame. */
  write(frame: string): void;
  /** Answers with a status instead. */
  refuse(status: number, body: unknown): void;
  /** Ends the answer as a whole one ends. */
  end(): void;
  /** Breaks the connection. */
  drop(): void;
  readonly closed: Promise<void>;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  return text === "" ? null : JSON.parse(text);
}

function toArrival(request: IncomingMessage, response: ServerResponse, body: unknown): Arrival {
  const open = () => {
    if (!response.headersSent) {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write('event: connected\ndata: {"reconnectAfterInactivityMs":60000}\n\n');
    }
  };
  const { "last-event-id": lastEventId } = request.headers;
  return {
    path: request.url ?? "",
    body,
    lastEventId: typeof lastEventId === "string" ? lastEventId : null,
    send(numbers) {
      open();
      for (const number of numbers) {
        const data = JSON.stringify({ type: "text-delta", text: String(number) });
        response.write(`id: run:${number}\ndata: ${data}\n\n`);
      }
    },
    write(frame) {
      open();
      response.write(frame);
    },
    refuse(status, answer) {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(answer));
    },
    end() {
      open();
      response.end("event: return\ndata:\n\n");
    },
    drop: () => void request.socket.destroy(),
    closed: new Promise((resolve) => void response.on("close", resolve)),
  };
}

/** @param handle is called for each request, with how many came before it */
export async function startEventServer(
  handle: (arrival: Arrival, index: number) => void,
  options: Partial<ClientOptions> = {},
) {
  const arrivals: Arrival[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const arrival = toArrival(request, response, body);
      arrivals.push(arrival);
      handle(arrival, arrivals.length - 1);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  return { arrivals, client: createClient({ baseURL: `http://127.0.0.1:${port}/v1`, ...options }) };
}
