/** `pnpm bench [area]`: prints a table and writes the same rows to `packages/bench/results/<area>.json`. */

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { AreaOptions, AreaResult } from "./area.ts";
import { benchAbuse } from "./abuse/abuse-area.ts";
import { benchAudio } from "./audio/audio-area.ts";
import { benchBusy } from "./busy/busy-area.ts";
import { benchChat } from "./chat/chat-area.ts";
import { benchClient } from "./client/client-area.ts";
import { benchConformance } from "./conformance/conformance-area.ts";
import { benchEmbeddings } from "./embeddings/embeddings-area.ts";
import { benchFuzz } from "./fuzz/fuzz-area.ts";
import { benchGateway } from "./gateway/gateway-area.ts";
import { benchLosses } from "./losses/losses-area.ts";
import { writeResults } from "./measurement.ts";
import { benchOutput } from "./output/output-area.ts";
import { benchPrefix } from "./prefix/prefix-area.ts";
import { benchRealtime } from "./realtime/realtime-area.ts";
import { benchResponses } from "./responses/responses-area.ts";
import { benchUploads } from "./uploads/uploads-area.ts";
import { benchWorstBodies } from "./worst-bodies/worst-bodies-area.ts";

const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));

const AREAS: Readonly<Record<string, (options: AreaOptions) => Promise<AreaResult>>> = {
  abuse: benchAbuse,
  audio: benchAudio,
  busy: benchBusy,
  chat: benchChat,
  client: benchClient,
  conformance: benchConformance,
  embeddings: benchEmbeddings,
  fuzz: benchFuzz,
  gateway: benchGateway,
  losses: benchLosses,
  output: benchOutput,
  prefix: benchPrefix,
  realtime: benchRealtime,
  responses: benchResponses,
  uploads: benchUploads,
  "worst-bodies": benchWorstBodies,
};

function readCount(text: string, name: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--${name} takes a whole number from 1 on, not "${text}".`);
  return count;
}

/** The default of our engines. */
const CORES = availableParallelism();
const THREADS_DEFAULT = Math.max(1, CORES - 1);
const PARALLEL_INPUTS_DEFAULT = Math.min(8, CORES);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    threads: { type: "string" },
    requests: { type: "string", default: "100000" },
    minutes: { type: "string", default: "2" },
    attacks: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const threads = values.threads === undefined ? null : readCount(values.threads, "threads");
const options: AreaOptions = {
  rounds: readCount(values.rounds, "rounds"),
  threads: threads ?? THREADS_DEFAULT,
  parallelInputs: threads ?? PARALLEL_INPUTS_DEFAULT,
  requests: readCount(values.requests, "requests"),
  minutes: readCount(values.minutes, "minutes"),
  attacks: values.attacks === undefined ? null : values.attacks.split(","),
  isQuick: values.quick,
};
const names = positionals.length === 0 ? Object.keys(AREAS) : positionals;
for (const name of names) {
  const run = AREAS[name];
  if (run === undefined) {
    console.error(`There is no area "${name}". Areas: ${Object.keys(AREAS).join(", ")}.`);
    process.exitCode = 2;
    break;
  }
  console.log(`bench ${name}`);
  const { text, figures } = await run(options);
  console.log(text);
  console.log(`Written to ${await writeResults(RESULTS, name, figures)}.`);
}
