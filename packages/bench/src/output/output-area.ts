/** `bench output`: what it costs to hold an answer to a form, or to report log probabilities, compared with free text; and what a scored prompt costs. */

import { pullModel } from "@openai-compat/engines";
import type { AreaOptions, AreaResult } from "../area.ts";
import { startChatServer } from "../chat/chat-subject.ts";
import type { ChatServer } from "../chat/chat-subject.ts";
import { listPrompt } from "../chat/prompts.ts";
import { inTurns } from "../in-turns.ts";
import { formatTable, summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import { measureDecoding } from "./decoding.ts";
import { FORMS, FREE_TEXT } from "./forms.ts";
import type { Form } from "./forms.ts";
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
    sequences: Math.max(...STREAMS),
    contextTokens: CONTEXT_TOKENS,
    threads: options.threads,
  });
  try {
    const rows: Row[] = [];
    for (const streams of options.isQuick ? QUICK_STREAMS : STREAMS) {
      for (const form of FORMS) rows.push(...(await measureForm(server, form, { streams, rounds })));
    }
    rows.push(...(await measureScoring(server, rounds)));
    return { text: formatTable(rows), figures: rows };
  } finally {
    await server.worker.stop();
  }
}

async function measureForm(
  server: ChatServer,
  form: Form,
  { streams, rounds }: { readonly streams: number; readonly rounds: number },
): Promise<Row[]> {
  const speed: Pair[] = [];
  const cpu: Pair[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const prompts = Array.from({ length: streams }, (_, stream) => listPrompt(round * streams + stream));
    const [inForm, free] = await inTurns(round, [
      () => measureDecoding(server, { prompts, form, tokens: TOKENS }),
      () => measureDecoding(server, { prompts, form: FREE_TEXT, tokens: TOKENS }),
    ]);
    speed.push({ ours: inForm.unitsPerSecond, baseline: free.unitsPerSecond });
    cpu.push({ ours: inForm.cpuMsPerUnit, baseline: free.cpuMsPerUnit });
  }
  const name = `${form.name}, ${streams} ${streams === 1 ? "stream" : "streams"}`;
  const baselineName = FREE_TEXT.name;
  return [
    summarise({ name, unit: "tokens/s", baselineName }, speed),
    summarise({ name: `${name}: CPU per token`, unit: "ms", baselineName }, cpu),
  ];
}
