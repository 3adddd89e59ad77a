/** The entry of a graph's process that blocks for as many milliseconds as the first symbol says. */

import { runNativeChild } from "../../host/run-native-child.ts";
import type { NativeGraph } from "../synthesis/native-graph.ts";

async function openSlowGraph(): Promise<NativeGraph> {
  let pieces = 0;
  return {
    answers: {
      describe: async () => ({ symbolsMax: 10 }),
      async render({ symbols: [blockMs = 0] }) {
        const until = performance.now() + blockMs;
        while (performance.now() < until);
        pieces += 1;
        return Float32Array.of(process.pid >> 16, process.pid & 0xffff, pieces);
      },
    },
    streams: {},
    dispose: async () => {},
  };
}

runNativeChild({ "voice-graph": openSlowGraph });
