/** The running requests: aborts them when the server stops, and reports when all have ended. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

export interface ActiveRequest {
  /** Aborted when the client disconnects before its answer is complete. */
  readonly controller: AbortController;
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
}

export interface ActiveRequests {
  readonly count: number;
  /**
   * @param onClose called once, when the answer is complete or its client has disconnected.
   * @returns a function that ends the request for another reason: its connection has become something else.
   */
  add(request: ActiveRequest, onClose: () => void): () => void;
  /** The request that arrived last on this socket, of those that are not answered yet; null when all are. */
  findLast(socket: Duplex): ActiveRequest | null;
  /** Lets the connections end with their answers instead of waiting for another request. */
  closeConnections(): void;
  abort(reason: Error): void;
  /** Resolves when no request is active, or after `timeoutMs`. */
  untilNone(timeoutMs: number): Promise<void>;
}

export function createActiveRequests(): ActiveRequests {
  const active = new Set<ActiveRequest>();
  let onNone = () => {};
  return {
    get count() {
      return active.size;
    },
    add(request, onClose) {
      active.add(request);
      const end = () => {
        if (!active.delete(request)) return;
        if (active.size === 0) onNone();
        onClose();
      };
      request.outgoing.once("close", () => {
        if (active.has(request) && !request.outgoing.writableFinished) request.controller.abort();
        end();
      });
      return end;
    },
    findLast: (socket) => [...active].findLast(({ incoming }) => incoming.socket === socket) ?? null,
    closeConnections() {
      for (const { outgoing } of active) outgoing.shouldKeepAlive = false;
    },
    abort(reason) {
      for (const { controller } of active) controller.abort(reason);
    },
    async untilNone(timeoutMs) {
      if (active.size === 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        onNone = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
