/** A server that is done when its call is answered, and does not close its model. */

import { startNativeProcess } from "../native-process.ts";
import type { FaultyModel } from "./faulty-child.ts";

const never = new AbortController().signal;
const entry = new URL("./faulty-child.ts", import.meta.url);
const { model } = await startNativeProcess<FaultyModel>({ kind: "faulty", settings: {}, entry });
let events = 0;
for await (const number of model.streams.slow(100, never)) events = number;
process.stdout.write(events === 100 ? "answered\n" : "cut\n");
