/**
 * The baseline that others use: faster-whisper with 8-bit weights, in a Python that has it. `FASTER_WHISPER_PYTHON` names
 * the Python; `FASTER_WHISPER_MODELS` a folder with the models as CTranslate2 publishes them, `tiny.en` and `base`,
 * without which the package downloads them.
 */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";

export interface FasterWhisperAnswer {
  readonly text: string;
  /** User and system, of all threads. */
  readonly cpuMs: number;
}

export interface FasterWhisper {
  /** @param file the path of a recording. @throws Error where the program has ended */
  hear(file: string): Promise<FasterWhisperAnswer>;
  stop(): Promise<void>;
}

/** Answers a line with a path by a line of JSON. */
const PROGRAM = `
import json, resource, sys
from faster_whisper import WhisperModel
model = WhisperModel(sys.argv[1], device="cpu", compute_type="int8", cpu_threads=int(sys.argv[2]), num_workers=1)
def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return 1000 * (usage.ru_utime + usage.ru_stime)
print(json.dumps({"text": "", "cpuMs": 0}), flush=True)
for line in sys.stdin:
    before = cpu()
    language = "en" if sys.argv[1].endswith(".en") else None
    segments, _ = model.transcribe(line.strip(), beam_size=5, vad_filter=True, language=language)
    text = "".join(segment.text for segment in segments)
    print(json.dumps({"text": text, "cpuMs": cpu() - before}), flush=True)
`;

/** @returns null where no Python is named */
export async function startFasterWhisper(model: string, threads: number): Promise<FasterWhisper | null> {
  const python = process.env["FASTER_WHISPER_PYTHON"];
  if (python === undefined) return null;
  const folder = path.join(process.env["FASTER_WHISPER_MODELS"] ?? "", model);
  const name = existsSync(folder) ? folder : model;
  const environment = { ...process.env, OMP_NUM_THREADS: String(threads) };
  const child = spawn(python, ["-c", PROGRAM, name, String(threads)], {
    env: environment,
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readAnswer = async (): Promise<FasterWhisperAnswer> => {
    const { value, done } = await lines.next();
    if (done === true) throw new Error(`faster-whisper has ended; does ${python} have it?`);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- our own program's answer
    return JSON.parse(value) as FasterWhisperAnswer;
  };
  await readAnswer();
  return {
    async hear(file) {
      child.stdin.write(`${file}\n`);
      return readAnswer();
    },
    async stop() {
      child.stdin.end();
      await exited;
    },
  };
}
