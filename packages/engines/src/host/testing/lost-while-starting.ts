/** A server that is killed while a process of it starts, and whose model would block it: writes its pid before. */

import { writeSync } from "node:fs";
import { startNativeProcess } from "../native-process.ts";
import type { FaultyModel } from "./faulty-child.ts";

const entry = new URL("./faulty-child.ts", import.meta.url);
await startNativeProcess<FaultyModel>({
  kind: "faulty",
  settings: { onOpen: "block" },
  entry,
  onEvent(event) {
    if (event.type !== "process-start") return;
    writeSync(process.stdout.fd, `${event.pid}\n`);
    setImmediate(() => process.kill(process.pid, "SIGKILL"));
  },
});
