/**
 * `bench audio`: speech and transcriptions of local models through our server, beside the models' graphs alone and, where
 * `FASTER_WHISPER_PYTHON` names a Python that has it, faster-whisper. What is heard is what hibari spoke before.
 */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AreaOptions, AreaResult } from "../area.ts";
import { inTurns } from "../in-turns.ts";
import { formatNumber, formatTable, summarise } from "../measurement.ts";
import type { Pair, Row } from "../measurement.ts";
import { buildOptions, startWorker } from "../worker.ts";
import type { Worker } from "../worker.ts";
import { openAudioClient } from "./audio-client.ts";
import type { AudioClient, Heard } from "./audio-client.ts";
import { findAudioModels } from "./audio-subject.ts";
import type { AudioSubject } from "./audio-subject.ts";
import { startFasterWhisper } from "./faster-whisper.ts";
import { KNOWN_TEXT, SHORT_TEXT, measureWordErrors } from "./known-text.ts";
import type { RawGraphsCalls } from "./raw-graphs-worker.ts";
import type { AudioMemory, AudioServerCalls } from "./server-worker.ts";

const RECORDING_VOICE = "hibari";
/** Of speech: 16-bit samples at 24 kHz. */
const BYTES_PER_SECOND = 48_000;
const HEADER_BYTES = 44;
const WINDOW_MS = 30_000;
const MEBIBYTE = 2 ** 20;

interface Bench {
  readonly server: Worker<AudioServerCalls>;
  readonly raw: Worker<RawGraphsCalls>;
  readonly client: AudioClient;
  readonly subject: AudioSubject;
  readonly rounds: number;
  readonly text: string;
}

interface Recording {
  readonly wav: Uint8Array<ArrayBuffer>;
  readonly file: string;
  readonly seconds: number;
}

export async function benchAudio(options: AreaOptions): Promise<AreaResult> {
  const rounds = options.isQuick ? 1 : options.rounds;
  const { subject, missing } = await findAudioModels(options.threads);
  console.log(`${rounds} interleaved rounds, ${options.threads} threads for each model`);
  if (missing.length > 0)
    console.log(`not in the cache, so not measured: ${missing.join(", ")} (\`models pull\` gets one)`);
  if (process.env["FASTER_WHISPER_PYTHON"] === undefined)
    console.log("FASTER_WHISPER_PYTHON is not set: transcriptions are compared with the graphs alone");
  if (Object.keys(subject.voices).length === 0)
    return { text: "Nothing can be measured without a voice.", figures: [] };
  const server = startWorker<AudioServerCalls>(new URL("server-worker.ts", import.meta.url), buildOptions(subject));
  const raw = startWorker<RawGraphsCalls>(new URL("raw-graphs-worker.ts", import.meta.url), buildOptions(subject));
  const client = openAudioClient(await server.call("listen", null));
  const directory = await mkdtemp(path.join(tmpdir(), "bench-audio-"));
  try {
    const bench = { server, raw, client, subject, rounds, text: options.isQuick ? SHORT_TEXT : KNOWN_TEXT };
    const rows: Row[] = [];
    for (const voice of Object.keys(subject.voices)) rows.push(...(await measureVoice(bench, voice)));
    const { wav } = await client.speak(RECORDING_VOICE, bench.text);
    const recording = { wav, file: path.join(directory, "speech.wav"), seconds: measureSeconds(wav) };
    await writeFile(recording.file, wav);
    for (const model of Object.keys(subject.whispers)) rows.push(...(await measureWhisper(bench, model, recording)));
    const memory = await measureMemory(bench, recording);
    return { text: `${formatTable(rows)}\n${describeMemory(memory)}`, figures: { rows, memory, missing } };
  } finally {
    await client.close();
    await Promise.all([server.stop(), raw.stop()]);
    await rm(directory, { recursive: true });
  }
}

async function measureVoice(bench: Bench, voice: string): Promise<readonly Row[]> {
  const { client, raw, rounds } = bench;
  // Kokoro takes as long as its speech lasts.
  const text = voice === RECORDING_VOICE ? bench.text : SHORT_TEXT;
  await raw.call("read", { voice, text });
  await Promise.all([client.speak(voice, "Hello."), raw.call("speak", voice)]);
  const [cpu, first, delay]: [Pair[], Pair[], Pair[]] = [[], [], []];
  let seconds = 0;
  for (let round = 0; round < rounds; round += 1) {
    const [ours, baseline] = await inTurns(round, [
      async () => {
        const work = await watchServer(bench, () => client.speak(voice, text));
        seconds = measureSeconds(work.result.wav);
        first.push({ ours: work.result.firstByteMs, baseline: work.result.wholeMs });
        delay.push(work.delay);
        return work.cpuMs;
      },
      async () => measureCpu(raw.cpuMs, () => raw.call("speak", voice)),
    ]);
    cpu.push({ ours: ours / 1000 / seconds, baseline: baseline / 1000 / seconds });
  }
  const name = `${voice}, ${Math.round(seconds)} s`;
  const target = { of: "ratio", bound: "≤", value: 1.05 } as const;
  return [
    summarise({ name: `${name}: CPU per second of speech`, unit: "s", baselineName: "the model alone", target }, cpu),
    summarise({ name: `${name}: first audio byte`, unit: "ms", baselineName: "its last byte" }, first),
    describeDelay(name, delay),
  ];
}

async function measureWhisper(bench: Bench, model: string, { wav, file, seconds }: Recording): Promise<readonly Row[]> {
  const { client, raw, rounds, subject } = bench;
  const { tokens } = await client.hear(model, wav);
  // As our engine cuts it: English is heard in windows as long as its speech, other models' are whole.
  const speechMs = Math.ceil(seconds / tokens.length + 1) * 1000;
  const windowMs = model.endsWith(".en") ? Math.min(WINDOW_MS, speechMs) : WINDOW_MS;
  const windows = { model, tokens, windowMs };
  await raw.call("hear", windows);
  const other = await startFasterWhisper(model.replace("whisper-", ""), subject.threads);
  const [besideRaw, besideOther, errors, delay]: [Pair[], Pair[], Pair[], Pair[]] = [[], [], [], []];
  try {
    await other?.hear(file);
    for (let round = 0; round < rounds; round += 1) {
      let heard: Heard | null = null;
      const [ours, baseline] = await inTurns(round, [
        async () => {
          const work = await watchServer(bench, () => client.hear(model, wav));
          heard = work.result;
          delay.push(work.delay);
          return work.cpuMs / 1000 / seconds;
        },
        async () => (await measureCpu(raw.cpuMs, () => raw.call("hear", windows))) / 1000 / seconds,
      ]);
      besideRaw.push({ ours, baseline });
      const theirs = await other?.hear(file);
      if (theirs === undefined || heard === null) continue;
      besideOther.push({ ours, baseline: theirs.cpuMs / 1000 / seconds });
      errors.push(compareErrors(bench.text, heard, theirs.text));
    }
  } finally {
    await other?.stop();
  }
  const name = `${model}, ${Math.round(seconds)} s`;
  const cpu = { name: `${name}: CPU per second of audio`, unit: "s" };
  const target = { of: "ratio", bound: "≤", value: 1 } as const;
  const baselineName = "faster-whisper int8";
  return [
    ...(besideOther.length === 0 ? [] : [summarise({ ...cpu, baselineName, target }, besideOther)]),
    ...(errors.length === 0 ? [] : [summarise({ name: `${name}: word errors`, unit: "%", baselineName }, errors)]),
    summarise({ ...cpu, baselineName: "the graphs alone" }, besideRaw),
    describeDelay(name, delay),
  ];
}

function compareErrors(said: string, heard: Heard, theirs: string): Pair {
  return { ours: measureWordErrors(said, heard.text), baseline: measureWordErrors(said, theirs) };
}

interface WatchedWork<Result> {
  readonly result: Result;
  readonly cpuMs: number;
  /** Of the server's event loop, and of one that does nothing meanwhile. */
  readonly delay: Pair;
}

async function watchServer<Result>({ server, raw }: Bench, work: () => Promise<Result>): Promise<WatchedWork<Result>> {
  const before = await server.cpuMs();
  await Promise.all([server.call("startLoopWatch", null), raw.call("startLoopWatch", null)]);
  const result = await work();
  const [ours, baseline] = await Promise.all([server.call("readLoopWatch", null), raw.call("readLoopWatch", null)]);
  return { result, cpuMs: (await server.cpuMs()) - before, delay: { ours, baseline } };
}

async function measureCpu(cpuMs: () => Promise<number>, work: () => Promise<unknown>): Promise<number> {
  const before = await cpuMs();
  await work();
  return (await cpuMs()) - before;
}

function describeDelay(name: string, pairs: readonly Pair[]): Row {
  const label = { name: `${name}: event loop p99`, unit: "ms", baselineName: "a process that idles meanwhile" };
  return summarise({ ...label, target: { of: "ours", bound: "≤", value: 20 } }, pairs);
}

function measureSeconds(wav: Uint8Array): number {
  return (wav.length - HEADER_BYTES) / BYTES_PER_SECOND;
}

/** All models are loaded by then, and each is called once more. */
async function measureMemory({ server, client, subject }: Bench, { wav }: Recording): Promise<AudioMemory> {
  await server.call("startMemoryWatch", null);
  for (const voice of Object.keys(subject.voices)) await client.speak(voice, SHORT_TEXT);
  for (const model of Object.keys(subject.whispers)) await client.hear(model, wav);
  return server.call("readMemoryWatch", null);
}

function describeMemory({ serverBytes, childrenBytes }: AudioMemory): string {
  const format = (bytes: number): string => `${formatNumber(bytes / MEBIBYTE)} MiB`;
  return `most resident memory: server ${format(serverBytes)}, processes of all models together ${format(childrenBytes)}`;
}
