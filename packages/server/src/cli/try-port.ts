/** Whether a port can be listened on, found out before anything is done that takes time. */

import { createServer } from "node:net";

/** @returns what Node.js says against it; null when it can be listened on. Port 0 is any free one. */
export function tryPort(host: string, port: number): Promise<Error | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen(port, host, () => server.close(() => resolve(null)));
  });
}
