/**
 * `pnpm bench responses`: responses beside our own chat completions on the same server, in interleaved rounds of one run:
 * streams, and turns of a long chain. A response is kept, as it is by default; a chat completion is not.
 */

import { z } from "zod";
import type { AreaOptions, AreaResult } from "../area.ts";
import { measureCost } from "../cost.ts";
import type { Cost } from "../cost.ts";
import { inTurns } from "../in-turns.ts";
import type { ServerCalls, ServerTarget } from "../local-server.ts";
import { formatTable, median, summarise } from "../measurement.ts";
import type { Pair, Row, RowLabel } from "../measurement.ts";
import { startWorker } from "../worker.ts";
import type { Worker } from "../worker.ts";
import { callJson, timeStream } from "./call-server.ts";
import type { Surface } from "./call-server.ts";

const PROMPT = "Tell me what happened on the river last night, and who played the violin.";
const BASELINE_NAME = "chat completions";
const STREAM_TOKENS = 500;
const TURN_TOKENS = 8;

const RESPONSES: Surface = {
  path: "/responses",
  streamBody: (model, tokens) => ({ model, input: PROMPT, max_output_tokens: tokens, stream: true }),
  deltaMark: '"type":"response.output_text.delta"',
};
const CHATS: Surface = {
  path: "/chat/completions",
  streamBody: (model, tokens) => ({
    model,
    messages: [{ role: "user", content: PROMPT }],
    max_completion_tokens: tokens,
    stream: true,
  }),
  deltaMark: '"delta":{"content":',
};

const EVENT_CPU: RowLabel = {
  name: "streams, server's CPU",
  unit: "µs/delta",
  baselineName: BASELINE_NAME,
  target: { of: "ratio", bound: "≤", value: 1.3 },
};
const FIRST_DELTA: RowLabel = {
  name: "streams, first delta",
  unit: "ms",
  baselineName: BASELINE_NAME,
  target: { of: "ratio", bound: "≤", value: 1.1 },
};

interface Server {
  readonly worker: Worker<ServerCalls>;
  readonly target: ServerTarget;
}

interface Sample {
  readonly cost: Cost;
  readonly firstDeltaMs: number;
}

/** One stream at a time. */
async function measureStreams({ worker, target }: Server, surface: Surface, streams: number): Promise<Sample> {
  const firsts: number[] = [];
  const cost = await measureCost(worker.cpuMs, async () => {
    let deltas = 0;
    for (let call = 0; call < streams; call += 1) {
      const stream = await timeStream(target, surface, STREAM_TOKENS);
      deltas += stream.deltas;
      firsts.push(stream.firstDeltaMs);
    }
    return deltas;
  });
  return { cost, firstDeltaMs: median(firsts) };
}

async function benchStreams(server: Server, rounds: number, streams: number): Promise<Row[]> {
  const run = (surface: Surface) => () => measureStreams(server, surface, streams);
  // Not counted: what is compiled and loaded once.
  await inTurns(0, [run(RESPONSES), run(CHATS)]);
  const pairs: { readonly ours: Sample; readonly baseline: Sample }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const [ours, baseline] = await inTurns(round, [run(RESPONSES), run(CHATS)]);
    pairs.push({ ours, baseline });
  }
  const pairOf = (read: (sample: Sample) => number): Pair[] =>
    pairs.map(({ ours, baseline }) => ({ ours: read(ours), baseline: read(baseline) }));
  return [
    summarise(
      EVENT_CPU,
      pairOf(({ cost }) => cost.cpuMsPerUnit * 1000),
    ),
    summarise(
      FIRST_DELTA,
      pairOf(({ firstDeltaMs }) => firstDeltaMs),
    ),
  ];
}

const responseSchema = z.object({ id: z.string() });
const chatSchema = z.object({ choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]) });

/** The next turn of one conversation: the server knows the earlier ones, or is sent them. */
type TakeTurn = () => Promise<void>;

function converseByResponses(target: ServerTarget): TakeTurn {
  let previous: { readonly previous_response_id?: string } = {};
  return async () => {
    const body = { model: target.model, input: PROMPT, max_output_tokens: TURN_TOKENS, ...previous };
    const { id } = responseSchema.parse(await callJson(target, RESPONSES.path, body));
    previous = { previous_response_id: id };
  };
}

function converseByChats(target: ServerTarget): TakeTurn {
  const messages: { readonly role: string; readonly content: string }[] = [];
  return async () => {
    messages.push({ role: "user", content: PROMPT });
    const body = { model: target.model, messages, max_completion_tokens: TURN_TOKENS };
    const { choices } = chatSchema.parse(await callJson(target, CHATS.path, body));
    messages.push({ role: "assistant", content: choices[0].message.content });
  };
}

async function measureTurns({ worker }: Server, takeTurn: TakeTurn, turns: number): Promise<Cost> {
  return measureCost(worker.cpuMs, async () => {
    for (let count = 0; count < turns; count += 1) await takeTurn();
    return turns;
  });
}

/** Two conversations of so many turns, in tenths: the cost of a turn in the first tenth and in the last. */
async function benchChain(server: Server, turns: number): Promise<Row[]> {
  const [responses, chats] = [converseByResponses(server.target), converseByChats(server.target)];
  const tenth = turns / 10;
  const rows: Row[] = [];
  for (let part = 0; part < 10; part += 1) {
    const [ours, baseline] = await inTurns(part, [
      () => measureTurns(server, responses, tenth),
      () => measureTurns(server, chats, tenth),
    ]);
    if (part !== 0 && part !== 9) continue;
    const name = `turns ${part * tenth + 1} to ${(part + 1) * tenth} of a chain, server's CPU`;
    const label = { name, unit: "ms/turn", baselineName: `${BASELINE_NAME}, all sent` };
    rows.push(summarise(label, [{ ours: ours.cpuMsPerUnit, baseline: baseline.cpuMsPerUnit }]));
  }
  return rows;
}

export async function benchResponses({ rounds, isQuick }: AreaOptions): Promise<AreaResult> {
  const worker = startWorker<ServerCalls>(new URL("responses-server-worker.ts", import.meta.url));
  try {
    const server = { worker, target: await worker.call("listen", null) };
    const rows = [
      ...(await benchStreams(server, isQuick ? 1 : rounds, isQuick ? 10 : 50)),
      ...(await benchChain(server, isQuick ? 100 : 1000)),
    ];
    return { text: formatTable(rows), figures: rows };
  } finally {
    await worker.stop();
  }
}
