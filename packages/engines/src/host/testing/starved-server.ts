/** A server that takes all descriptors that it may have: says what a load gets then, and what it gets when there are some again. */

import { closeSync, openSync } from "node:fs";
import { AiError } from "@openai-compat/core";
import { startNativeProcess } from "../native-process.ts";
import type { FaultyModel } from "./faulty-child.ts";

const entry = new URL("./faulty-child.ts", import.meta.url);

async function load(): Promise<string> {
  try {
    const started = await startNativeProcess<FaultyModel>({ kind: "faulty", settings: {}, entry });
    await started.close();
    return "loaded";
  } catch (thrown) {
    return thrown instanceof AiError ? `${thrown.code}: ${thrown.message}` : String(thrown);
  }
}

const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  // None is left.
}
const starved = await load();
for (const descriptor of taken) closeSync(descriptor);
process.stdout.write(`${starved}\n${await load()}\n`);
