/** The entry of a decoder's process that does what the first bytes of a file say. */

import { setTimeout as wait } from "node:timers/promises";
import { AiError } from "@openai-compat/core";
import { openByteReader } from "../../host/byte-pipe.ts";
import { runNativeChild } from "../../host/run-native-child.ts";
import type { DecodedEvent } from "../audio-events.ts";
import type { NativeDecoder } from "../native-decoder.ts";

const START: DecodedEvent = { type: "audio-start", format: "wav", rateHz: 16_000, channels: 1 };

/** A number of a process has more than 16 bits. */
const samples = (value: number): DecodedEvent => ({
  type: "audio-samples",
  samples: Int16Array.of(value >> 15, value & 0x7fff),
});

async function openFaultyDecoder(): Promise<NativeDecoder> {
  let files = 0;
  const reader = openByteReader();
  let order = "";
  return {
    answers: {
      async receive({ bytes }) {
        order = Buffer.from(await reader.read(bytes)).toString();
      },
    },
    streams: {
      async *decode(_argument, signal) {
        files += 1;
        yield START;
        yield samples(process.pid);
        if (order === "hang") for (;;);
        if (order === "wait") await wait(1_000_000, undefined, { signal });
        if (order === "grow") await grow(signal);
        if (order === "crash") process.exit(3);
        if (order === "crash-late") await wait(4000).then(() => process.exit(3));
        if (order === "refuse") throw new AiError("invalid_value", "That is no audio.", { param: "file" });
        if (order === "slow") for (let count = 0; count < 100; count += 1) yield wait(20, samples(count), { signal });
        yield samples(files);
        yield { type: "audio-end", durationSeconds: 2 / 16_000 };
      },
    },
    async dispose() {},
  };
}

async function grow(signal: AbortSignal): Promise<void> {
  const held: Buffer[] = [];
  for (;;) {
    held.push(Buffer.alloc(20_000_000, held.length));
    await wait(50, undefined, { signal });
  }
}

runNativeChild({ "audio-decoder": openFaultyDecoder });
