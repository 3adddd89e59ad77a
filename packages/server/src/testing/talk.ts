/** HTTP by hand, for what no client would send. */

import { connect } from "node:net";

/** Sends raw bytes and gives back all that comes until the server closes, or until `until` is seen. */
export async function talk(port: number, bytes: string, until?: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(bytes));
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      received += text;
      if (until?.test(received) === true) socket.destroy();
    });
    socket.on("close", () => resolve(received));
    socket.on("error", reject);
  });
}
