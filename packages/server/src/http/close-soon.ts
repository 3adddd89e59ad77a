/** Closes a connection whose client may still be sending, so that it gets to read the answer. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";

/** How long a refused client may go on sending before its connection is cut. */
const LINGER_MS = 1000;

/** What still arrives is thrown away. */
export function closeSoon(socket: Duplex): void {
  socket.end();
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

/**
 * With the last answer of a connection Node.js destroys the socket. If bytes of the request arrive after that, the
 * client's system gets a reset, and what the client has not read by then is lost: a file of 45 MB that was refused as too
 * large was a broken pipe to clients.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-9.6-7
 */
export function lingerWhereUnread(incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { socket } = incoming;
  // Before the listener of Node.js, which calls it.
  outgoing.prependOnceListener("finish", () => {
    if (!incoming.complete) socket.destroySoon = () => closeSoon(socket);
  });
}
