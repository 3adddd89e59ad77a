/**
 * `bench output`: what structured output and log probabilities cost, compared with free text; and what a scored prompt
 * costs.
 */

import { pullModel } from "@openai-compat/engines";
import type { AreaOptions, AreaResult } from "../area.ts";
import { startChatServer } from "../chat/chat-subject.ts";
import type { ChatServer } from "../chat/chat-subject.ts";
import { listPrompt } from "../chat/prompts.ts";
import { inTurns } from "../in-turns.ts";
import { formatTable, summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import { measureDecoding } from "./decoding.ts";
import { OUTPUT_FORMATS, FREE_TEXT } from "./output-formats.ts";
import type { OutputFormat } from "./output-formats.ts";
import { measureScoring } from "./scoring.ts";

const MODEL_ID = "smollm2-135m-instruct";
const STREAMS = [1, 4];
const QUICK_STREAMS = [1];
const CONTEXT_TOKENS = 2048;
const TOKENS = 104;

export async function benchOutput(options: AreaOptions): Promise<AreaResult> {
  const rounds = options.isQuick ? 1 : options.rounds;
  console.log(`${rounds} interleaved rounds, ${options.threads} engine threads`);
  const { path } = await pullModel({ id: MODEL_ID });
  const server = await startChatServer({
    modelPath: path,
    concurrency: Math.max(...STREAMS),
    contextTokens: CONTEXT_TOKENS,
    threads: options.threads,
  });
  try {
    const rows: Row[] = [];
    for (const streams of options.isQuick ? QUICK_STREAMS : STREAMS) {
      for (const format of OUTPUT_FORMATS) rows.push(...(await measureFormat(server, format, { streams, rounds })));
    }
    rows.push(...(await measureScoring(server, rounds)));
    return { text: formatTable(rows), figures: rows };
  } finally {
    await server.worker.stop();
  }
}

async function measureFormat(
  server: ChatServer,
  format: OutputFormat,
  { streams, rounds }: { readonly streams: number; readonly rounds: number },
): Promise<Row[]> {
  const speed: Pair[] = [];
  const cpu: Pair[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const prompts = Array.from({ length: streams }, (_, stream) => listPrompt(round * streams + stream));
    const [inForm, free] = await inTurns(round, [
      () => measureDecoding(server, { prompts, format, tokens: TOKENS }),
      () => measureDecoding(server, { prompts, format: FREE_TEXT, tokens: TOKENS }),
    ]);
    speed.push({ ours: inForm.unitsPerSecond, baseline: free.unitsPerSecond });
    cpu.push({ ours: inForm.cpuMsPerUnit, baseline: free.cpuMsPerUnit });
  }
  const name = `${format.name}, ${streams} ${streams === 1 ? "stream" : "streams"}`;
  const baselineName = FREE_TEXT.name;
  return [
    summarise({ name, unit: "tokens/s", baselineName }, speed),
    summarise({ name: `${name}: CPU per token`, unit: "ms", baselineName }, cpu),
  ];
}
