/** One thread of `run-mutants.ts`: judges every mutant of its share, and posts each verdict. */

import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { runKillMatrix } from "./kill-matrix.ts";
import { mutants } from "./mutants/index.ts";

const { ids, parallel } = z.object({ ids: z.array(z.string()), parallel: z.int().positive() }).parse(workerData);

await runKillMatrix({
  mutants: mutants.filter(({ id }) => ids.includes(id)),
  parallel,
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  onVerdict: (verdict) => parentPort?.postMessage(verdict),
});
