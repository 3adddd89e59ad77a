/**
 * Behaves as the program of whisper.cpp does: the same arguments, the same lines on standard error, and JSON as carelessly written.
 * Run as `node fake-whisper-cpp.ts MODE ARGUMENTS…`.
 */

import { existsSync, readFileSync, writeFileSync, writeSync } from "node:fs";

const [mode = "", ...words] = process.argv.slice(2);

interface Given {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly language: string;
  readonly prompt: string;
  readonly isTranslation: boolean;
}

/** What is said of every recording: two sentences, one of which has what must be escaped and a character in two tokens. */
const SEGMENTS = {
  plain: [
    {
      from: 0,
      to: 1000,
      tokens: [
        [50_364, "[_BEG_]"],
        [1000, " the"],
        [1001, " sea"],
        [1002, " is"],
        [1003, " wide"],
        [50_414, "[_TT_50]"],
      ],
    },
    {
      from: 1000,
      to: 2000,
      tokens: [
        [50_364, "[_BEG_]"],
        [1004, " and"],
        [1005, " rain"],
        [1006, " falls"],
        [1007, "."],
        [50_464, "[_TT_100]"],
      ],
    },
  ],
  odd: [
    {
      from: 0,
      to: 9000,
      tokens: [
        [1, ' "a\\b"'],
        [2, "\n"],
        [3, " \xe6\x97"],
        [4, "\xa5"],
        [5, "\xe6\x9c\xac"],
      ],
    },
  ],
  made: [
    {
      from: 0,
      to: 1000,
      tokens: [
        [1000, " the"],
        [1001, " sea"],
      ],
    },
    { from: 9000, to: 9500, tokens: [[1002, " [BLANK_AUDIO]"]] },
  ],
} as const satisfies Record<
  string,
  readonly { from: number; to: number; tokens: readonly (readonly [number, string])[] }[]
>;

function readArguments(): Given {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const given = { language: "en", prompt: "", model: "", isTranslation: false };
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "-f") inputs.push(rest.shift() ?? "");
    else if (word === "-of") outputs.push(rest.shift() ?? "");
    else if (word === "-l") given.language = rest.shift() ?? "";
    else if (word === "-m") given.model = rest.shift() ?? "";
    else if (word === "--prompt") given.prompt = rest.shift() ?? "";
    else if (word === "-tr") given.isTranslation = true;
    else if (word === "-t" || word === "-bs") rest.shift();
    else if (word !== "-nf" && word !== "-ojf") say(`error: unknown argument: ${word}`);
  }
  if (!existsSync(given.model)) {
    say("error: failed to initialize whisper context");
    process.exit(3);
  }
  return { ...given, inputs, outputs };
}

function say(line: string): void {
  writeSync(2, `${line}\n`);
}

function transcribe(given: Given, index: number): void {
  const input = given.inputs[index] ?? "";
  const wav = readFileSync(input);
  const isReadable =
    wav.toString("latin1", 0, 4) === "RIFF" && wav.readUInt16LE(22) === 1 && wav.readUInt32LE(24) === 16_000;
  if (!isReadable || wav.readUInt32LE(40) !== wav.length - 44) {
    say(`error: failed to read WAV file '${input}'`);
    return;
  }
  say(`\nmain: processing '${input}' (${(wav.length - 44) / 2} samples), lang = ${given.language} ...\n`);
  if (mode === "hang") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  if (mode === "crash") process.kill(process.pid, "SIGSEGV");
  if (mode === "flood") for (let count = 0; count < 20; count += 1) writeSync(1, "a line\n".repeat(150_000));
  if (given.language === "auto") say("whisper_full_with_state: auto-detected language: jw (p = 0.913000)");
  const output = given.outputs[index] ?? "";
  say(`output_json: saving output to '${output}.json'`);
  if (mode === "fail") {
    say("whisper_full_with_state: failed to encode");
    say(`  --prompt PROMPT [${given.prompt}] an error of a prompt`);
    process.exit(10);
  }
  if (mode === "silent") return;
  writeFileSync(
    `${output}.json`,
    mode === "garbage" ? '{"transcription": [' : Buffer.from(encodeOutput(given), "latin1"),
  );
}

function encodeOutput(given: Given): string {
  const segments = mode === "odd" || mode === "made" ? SEGMENTS[mode] : SEGMENTS.plain;
  const language = given.language === "auto" ? "jw" : given.language;
  const transcription = segments.map(({ from, to, tokens }) => {
    const step = (to - from) / tokens.length;
    const texts = tokens.map(([id, text], index) => {
      const offsets = `"offsets": {\n"from": ${Math.round(from + index * step)},\n"to": ${Math.round(from + (index + 1) * step)}\n}`;
      return `{\n"text": "${escapeText(text)}",\n${offsets},\n"id": ${id},\n"p": ${mode === "odd" ? 0 : 0.5}\n}`;
    });
    const text = tokens.map(([id, token]) => (id > 50_000 ? "" : token)).join("");
    return `{\n"offsets": {\n"from": ${from},\n"to": ${to}\n},\n"text": "${escapeText(text)}",\n"tokens": [\n${texts.join(",\n")}\n]\n}`;
  });
  const parameters = JSON.stringify({ prompt: given.prompt, translate: given.isTranslation });
  return `{\n\t"params": ${parameters},\n\t"result": {\n\t\t"language": "${language}"\n\t},\n\t"transcription": [\n${transcription.join(",\n")}\n]\n}\n`;
}

/** As whisper.cpp: quotes and backslashes, nothing else. */
function escapeText(text: string): string {
  return text.replaceAll(/["\\]/g, "\\$&");
}

const given = readArguments();
for (const index of given.inputs.keys()) transcribe(given, index);
