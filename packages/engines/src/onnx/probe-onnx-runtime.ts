/**
 * Finds out whether ONNX Runtime runs here, without loading it into this process: a missing binary, or an instruction
 * that the CPU lacks, ends the probe's process and nothing else.
 */

import { execFile } from "node:child_process";
import { promisify } from "node:util";

export interface ProbeOnnxOptions {
  /** The library's entry module as a `file:` URL; null when it is not installed. Default: what `import` would load. */
  readonly moduleUrl?: string | null;
  /** Default 60,000. */
  readonly timeoutMs?: number;
}

export interface OnnxProblem {
  /** A sentence for people. */
  readonly reason: string;
  /** Whether the package is not installed at all. */
  readonly isMissing: boolean;
}

const PROBE = "await import(process.argv[1]);";
const REASON_LENGTH_MAX = 200;

/** @returns null when the library runs */
export async function findOnnxProblem(options: ProbeOnnxOptions = {}): Promise<OnnxProblem | null> {
  const { moduleUrl = findModule(), timeoutMs = 60_000 } = options;
  if (moduleUrl === null) return { reason: "The package onnxruntime-node is not installed.", isMissing: true };
  try {
    const words = ["--input-type=module", "--eval", PROBE, moduleUrl];
    await promisify(execFile)(process.execPath, words, {
      timeout: timeoutMs,
      killSignal: "SIGKILL",
      windowsHide: true,
    });
    return null;
  } catch (thrown) {
    const text = thrown instanceof Error && "stderr" in thrown ? String(thrown.stderr) : String(thrown);
    const line = text.split("\n").find((candidate) => /^\w*Error\b/.test(candidate.trim())) ?? "its process ended.";
    const machine = `${process.platform}-${process.arch}`;
    const reason = `onnxruntime-node does not run on this machine (${machine}): ${line.trim().slice(0, REASON_LENGTH_MAX)}`;
    return { reason, isMissing: false };
  }
}

function findModule(): string | null {
  try {
    return import.meta.resolve("onnxruntime-node");
  } catch {
    return null;
  }
}
