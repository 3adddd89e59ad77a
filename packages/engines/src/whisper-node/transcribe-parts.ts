/** One run of whisper.cpp over parts of a recording: what it heard of each, as soon as it goes on to the next. */

import { join } from "node:path";
import type { TranscriptionOptions } from "@openai-compat/core";
import { cleanLine } from "../host/native-lines.ts";
import type { NativeLog } from "../host/native-model.ts";
import type { SpeechPart } from "../vad/speech-parts.ts";
import { toIsoLanguage, toWhisperLanguage } from "./ggml-header.ts";
import { parseWhisperOutput } from "./parse-output.ts";
import type { OutputSegment } from "./parse-output.ts";
import { makeRunFolder, readOutput, writePart } from "./part-files.ts";
import { runBinary } from "./run-binary.ts";
import type { NativeWhisperNodeSettings } from "./whisper-node-settings.ts";

export interface PartsRun {
  readonly settings: NativeWhisperNodeSettings;
  readonly log: NativeLog;
  readonly options: TranscriptionOptions;
  /** ISO code; null: whisper.cpp says. */
  readonly language: string | null;
  /** At least one. */
  readonly parts: readonly SpeechPart[];
}

export interface HeardParts {
  readonly part: SpeechPart;
  /** ISO code. */
  readonly language: string;
  /** Null where it was given. */
  readonly languageProbability: number | null;
  readonly segments: readonly OutputSegment[];
}

/** The tokens of a prompt can't be more than its bytes; whisper.cpp has room for 1,024, and ends the process beyond. */
const PROMPT_BYTES_MAX = 1_000;

const PROCESSING = /^\w+: processing '(\d+)\.wav'/;
const DETECTED = /auto-detected language: \w+ \(p = ([\d.]+)\)/;
/** Lines of whisper.cpp's own functions that say what is wrong. Others may hold a prompt. */
const WRONG =
  /^(?:error: |(?:main|whisper_\w+|ggml_\w+|read_wav|output_json): .*(?:error|fail|invalid|not )|GGML_ASSERT|terminate called|\s+what\(\): )/i;
/** whisper.cpp says so of every model of English whose language is given. */
const EXPECTED = /ignoring language and translation options/;

export async function* transcribeParts(run: PartsRun, signal: AbortSignal): AsyncGenerator<HeardParts, void> {
  await using folder = await makeRunFolder();
  for (const [index, { samples }] of run.parts.entries()) {
    await writePart(join(folder.path, `${index}.wav`), samples);
  }
  const progress = new Progress(run.log);
  const stopped = new AbortController();
  const running = runBinary(
    {
      binaryPath: run.settings.binaryPath,
      arguments: listArguments(run),
      directory: folder.path,
      timeMsMax: run.settings.runTimeMsMax,
      onLine: (line) => progress.read(line),
    },
    AbortSignal.any([signal, stopped.signal]),
  );
  const ended = progress.follow(running);
  try {
    for (const [index, part] of run.parts.entries()) {
      await progress.untilDone(index);
      const { language, segments } = parseWhisperOutput(await readOutput(join(folder.path, `${index}.json`)));
      const probability = run.language === null ? progress.probabilityOf(index) : null;
      yield { part, language: toIsoLanguage(language), languageProbability: probability, segments };
    }
    await running;
  } finally {
    // The folder can be removed when nobody writes to it any more.
    stopped.abort(new Error("Nobody reads what it hears any more."));
    await ended;
  }
}

function listArguments({ settings, options, language, parts }: PartsRun): readonly string[] {
  const { modelPath, threads, beams } = settings;
  const prompt = cutPrompt(options.prompt ?? "");
  const start = ["-m", modelPath, "-t", String(threads), "-bs", String(beams), "-nf", "-ojf"];
  const spoken = ["-l", language === null ? "auto" : toWhisperLanguage(language)];
  if (options.task === "translate") spoken.push("-tr");
  if (prompt !== "") spoken.push("--prompt", prompt);
  return [...start, ...spoken, ...parts.flatMap((_, index) => ["-f", `${index}.wav`, "-of", String(index)])];
}

/** The end of it is what guides the model. An argument of a process can't hold a NUL. */
function cutPrompt(prompt: string): string {
  const bytes = Buffer.from(prompt.replaceAll("\0", "").trim());
  if (bytes.length <= PROMPT_BYTES_MAX) return bytes.toString();
  // Without the rest of a character that was cut.
  return bytes
    .subarray(-PROMPT_BYTES_MAX)
    .toString()
    .replace(/^\uFFFD+/, "");
}

/** What standard error says of how far it is. */
class Progress {
  readonly #log: NativeLog;
  readonly #probabilities = new Map<number, number>();
  readonly #over = Promise.withResolvers<"over">();
  #current = -1;
  #wake = (): void => {};

  constructor(log: NativeLog) {
    this.#log = log;
    this.#over.promise.catch(() => {});
  }

  read(line: string): void {
    const processing = PROCESSING.exec(line)?.[1];
    const probability = DETECTED.exec(line)?.[1];
    if (processing !== undefined) {
      this.#current = Number(processing);
      this.#wake();
    } else if (probability !== undefined) this.#probabilities.set(this.#current, Number(probability));
    else if (WRONG.test(line) && !EXPECTED.test(line)) this.#log("warn", cleanLine(line));
  }

  /** Settles when the run has. */
  async follow(running: Promise<void>): Promise<void> {
    await running.then(
      () => this.#over.resolve("over"),
      (thrown: unknown) => this.#over.reject(thrown),
    );
  }

  /** Resolves when the part has been heard. @throws what the run throws */
  async untilDone(index: number): Promise<void> {
    while (this.#current <= index) {
      const woken = new Promise<"woken">((resolve) => (this.#wake = () => resolve("woken")));
      if ((await Promise.race([woken, this.#over.promise])) === "over") return;
    }
  }

  probabilityOf(index: number): number | null {
    return this.#probabilities.get(index) ?? null;
  }
}
