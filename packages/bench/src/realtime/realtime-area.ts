/**
 * `bench realtime`: sessions over WebSockets that speak as fast as time passes, 1, 4 and 16 at once, beside the same
 * sentences sent as recordings. What they speak is what hibari spoke before.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { AreaOptions, AreaResult } from "../area.ts";
import { openAudioClient } from "../audio/audio-client.ts";
import type { AudioClient } from "../audio/audio-client.ts";
import { findAudioModels } from "../audio/audio-subject.ts";
import type { AudioServerCalls } from "../audio/server-worker.ts";
import type { ServerTarget } from "../local-server.ts";
import { formatNumber, formatTable, quantile, summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import { buildOptions, startWorker } from "../worker.ts";
import type { Worker } from "../worker.ts";
import { BYTES_PER_MS, measureMs, speakTurns } from "./realtime-client.ts";
import type { SpokenTurn } from "./realtime-client.ts";

const MODEL = "whisper-tiny.en";
const VOICE = "hibari";
const SESSIONS = [1, 4, 16];
const QUICK_SESSIONS = [1, 4];
const HEADER_BYTES = 44;
/** Longer than the server waits for the end of a turn. */
const PAUSE_MS = 2500;
/** Below it is the silence that a voice ends with. */
const QUIET_LEVEL = 500;
const SENTENCES = [
  "The harbour was quiet that morning, and nobody was there.",
  "Two boats came in with the tide.",
  "By noon the whole village knew why they had come back so soon.",
];

interface Bench {
  readonly server: Worker<AudioServerCalls>;
  readonly client: AudioClient;
  readonly target: ServerTarget;
  readonly recordings: readonly Uint8Array<ArrayBuffer>[];
  readonly turns: readonly SpokenTurn[];
}

interface Batch {
  /** Of each sentence. */
  readonly elapsedMs: readonly number[];
  readonly cpuMs: number;
}

export async function benchRealtime({ rounds, threads, isQuick }: AreaOptions): Promise<AreaResult> {
  const { subject } = await findAudioModels(threads);
  const [modelPath, voice] = [subject.whispers[MODEL], subject.voices[VOICE]];
  if (modelPath === undefined || voice === undefined) {
    const text = `Nothing can be measured without ${MODEL}, silero-vad and ${VOICE}: \`models pull\` gets one.`;
    return { text, figures: [] };
  }
  console.log(`${isQuick ? 1 : rounds} rounds of ${SENTENCES.length} turns in each session, ${threads} threads`);
  const served = { ...subject, whispers: { [MODEL]: modelPath }, voices: { [VOICE]: voice } };
  const server = startWorker<AudioServerCalls>(
    new URL("../audio/server-worker.ts", import.meta.url),
    buildOptions(served),
  );
  const target = await server.call("listen", null);
  const client = openAudioClient(target);
  try {
    const recordings: Uint8Array<ArrayBuffer>[] = [];
    for (const sentence of SENTENCES) recordings.push((await client.speak(VOICE, sentence)).wav);
    const turns = recordings.map((wav) => ({ speech: cutSilence(wav), pauseMs: PAUSE_MS }));
    const bench = { server, client, target, recordings, turns };
    await decodeBatch(bench);
    await speakTurns(target, turns.slice(0, 1));
    const rows: Row[] = [];
    for (const sessions of isQuick ? QUICK_SESSIONS : SESSIONS)
      rows.push(...(await measureSessions(bench, sessions, isQuick ? 1 : rounds)));
    return { text: formatTable(rows), figures: rows };
  } finally {
    await client.close();
    await server.stop();
  }
}

async function measureSessions(bench: Bench, sessions: number, rounds: number): Promise<readonly Row[]> {
  const { server, target, turns } = bench;
  const [p50, p99, cpu]: [Pair[], Pair[], Pair[]] = [[], [], []];
  const turnMs = measureMs(turns) / turns.length;
  for (let round = 0; round < rounds; round += 1) {
    const batch = await decodeBatch(bench);
    const before = await server.cpuMs();
    const heard = await Promise.all(
      Array.from({ length: sessions }, async (_, index) => {
        // People don't begin all at once.
        await sleep((turnMs * index) / sessions);
        return speakTurns(target, turns);
      }),
    );
    const lags = heard.flatMap((session) => session.map(({ lagMs }) => lagMs)).toSorted((a, b) => a - b);
    const alone = batch.elapsedMs.toSorted((a, b) => a - b);
    p50.push({ ours: quantile(lags, 0.5), baseline: quantile(alone, 0.5) });
    p99.push({ ours: quantile(lags, 0.99), baseline: quantile(alone, 0.99) });
    const seconds = measureMs(turns) / 1000;
    const spent = ((await server.cpuMs()) - before) / 1000;
    cpu.push({ ours: spent / seconds / sessions, baseline: batch.cpuMs / 1000 / seconds });
  }
  const name = `${sessions} sessions`;
  const row = summarise({ name: `${name}: CPU per second of a session`, unit: "s", baselineName: "recordings" }, cpu);
  const lag = { unit: "ms", baselineName: "a recording, alone" };
  return [
    summarise({ ...lag, name: `${name}: last word to the text, p50` }, p50),
    summarise({ ...lag, name: `${name}: last word to the text, p99` }, p99),
    { ...row, name: `${row.name}, ${formatNumber(1 / row.ours)} sessions a core` },
  ];
}

async function decodeBatch({ server, client, recordings }: Bench): Promise<Batch> {
  const before = await server.cpuMs();
  const elapsedMs: number[] = [];
  for (const wav of recordings) {
    const startedAt = performance.now();
    await client.hear(MODEL, wav);
    elapsedMs.push(performance.now() - startedAt);
  }
  return { elapsedMs, cpuMs: (await server.cpuMs()) - before };
}

/** The samples of a WAV file up to its last loud one. */
function cutSilence(wav: Uint8Array<ArrayBuffer>): Buffer {
  const samples = new Int16Array(wav.slice(HEADER_BYTES, wav.length - (wav.length % 2)).buffer);
  const last = samples.findLastIndex((sample) => Math.abs(sample) > QUIET_LEVEL);
  return Buffer.from(samples.buffer, 0, 2 * (last + 1) - ((2 * (last + 1)) % BYTES_PER_MS));
}
