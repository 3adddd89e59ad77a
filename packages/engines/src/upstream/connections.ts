/**
 * Kept-alive connections to one origin, each for one request at a time. Undici's own pool would do except that it
 * reconnects after an abort without need.
 *
 * @see https://github.com/nodejs/undici/issues/5845
 */

import type { Client, Dispatcher } from "undici";
import { UpstreamError } from "./upstream-error.ts";

/** One request's connection. Exactly one of `release` and `destroy` ends it. */
export interface Connection {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void;
  /** The request is over, and the next one may come; undici reconnects where it must. */
  release(): void;
  /** Closes the connection at once, in any state of the request. */
  destroy(): void;
}

export interface Connections {
  /** A free connection, else a new one: admission limits their number. */
  take(): Connection;
  /** Waits for running requests and closes what is open. */
  close(): Promise<void>;
}

export function createConnections(createClient: () => Client): Connections {
  const clients = new Set<Client>();
  const free: Client[] = [];
  let isClosed = false;

  function obtainClient(): Client {
    if (isClosed) throw new UpstreamError("unreachable", "The engine is closed.");
    // The most recently used one: the others may time out.
    const used = free.pop();
    if (used !== undefined) return used;
    const client = createClient();
    clients.add(client);
    return client;
  }

  return {
    take() {
      const client = obtainClient();
      return {
        dispatch: (options, handler) => void client.dispatch(options, handler),
        release: () => void free.push(client),
        destroy() {
          clients.delete(client);
          client.destroy(new UpstreamError("broken", "The connection was given up."), () => {});
        },
      };
    },
    async close() {
      isClosed = true;
      await Promise.all([...clients].map(async (client) => client.close()));
    },
  };
}
