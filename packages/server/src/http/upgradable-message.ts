/**
 * Which requests leave HTTP for a WebSocket. All others that ask for an upgrade, to HTTP/2 in clear text for one, which
 * some clients do with every request, are requests like any others: a server may ignore `Upgrade` (RFC 9110, section
 * 7.8). Node.js alone would hand all of them over, with bodies that nobody reads, as soon as something listens.
 */

import { IncomingMessage } from "node:http";

/** For `IncomingMessage` of the options of a server. */
export class UpgradableMessage extends IncomingMessage {
  // Without an initialiser: the base class's constructor sets it, through the setter.
  declare private isUpgradeRequested: boolean;

  /** Node.js asks once it has read the head, and gives the connection away where this is true. */
  get upgrade(): boolean {
    return this.isUpgradeRequested && (this.method === "CONNECT" || asksForWebSocket(this));
  }

  set upgrade(isRequested: unknown) {
    this.isUpgradeRequested = isRequested === true;
  }
}

function asksForWebSocket({ method, headers }: IncomingMessage): boolean {
  return method === "GET" && headers.upgrade?.trim().toLowerCase() === "websocket";
}
