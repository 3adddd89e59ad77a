/** `pnpm bench [area]`: prints a table and writes the same rows to `packages/bench/results/<area>.json`. */

import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchChat } from "./chat/chat-area.ts";
import { formatTable, writeResults } from "./measurement.ts";
import type { Row } from "./measurement.ts";

const RESULTS = fileURLToPath(new URL("../results/", import.meta.url));

interface AreaOptions {
  readonly rounds: number;
  readonly threads: number;
}

const AREAS: Readonly<Record<string, (options: AreaOptions) => Promise<Row[]>>> = { chat: benchChat };

function readCount(text: string, name: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--${name} takes a whole number from 1 on, not "${text}".`);
  return count;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: String(Math.max(1, availableParallelism() - 1)) },
  },
});
const options = { rounds: readCount(values.rounds, "rounds"), threads: readCount(values.threads, "threads") };
const names = positionals.length === 0 ? Object.keys(AREAS) : positionals;
for (const name of names) {
  const run = AREAS[name];
  if (run === undefined) {
    console.error(`There is no area "${name}". Areas: ${Object.keys(AREAS).join(", ")}.`);
    process.exitCode = 2;
    break;
  }
  console.log(`bench ${name}: ${options.rounds} interleaved rounds, ${options.threads} engine threads`);
  const rows = await run(options);
  console.log(formatTable(rows));
  console.log(`Written to ${await writeResults(RESULTS, name, rows)}.`);
}
