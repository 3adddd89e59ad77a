/** A server to be killed: starts a faulty process, blocks it where that is asked for, writes its pid, and waits. */

import { startNativeProcess } from "../native-process.ts";
import type { FaultyModel } from "./faulty-child.ts";

const never = new AbortController().signal;
const entry = new URL("./faulty-child.ts", import.meta.url);
const { model, pid } = await startNativeProcess<FaultyModel>({ kind: "faulty", settings: {}, entry });
const call = process.argv[2] === "block" ? model.answers.block(null, never) : model.answers.deaf(null, never);
process.stdout.write(`${pid}\n`);
await call;
