/** The engine kind `whisper`: local transcription models, run by ONNX Runtime. */

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import {
  VOICE_DETECTOR_ID,
  createWhisperEngine,
  estimateWhisperBytes,
  findCachedModel,
  findMissingDecoders,
  listCatalogue,
} from "@openai-compat/engines";
import type { CatalogueEntry } from "@openai-compat/engines";
import { z } from "zod";
import type { TimedFinding } from "../cli/doctor-finding.ts";
import { describeCommand, describeMissingDecoders } from "../cli/invocation.ts";
import { ConfigError } from "../config-error.ts";
import { settingMarks } from "../settings/marks.ts";
import { count } from "../settings/units.ts";
import type { ConfiguredModel, EngineHost, EngineKind, PulledFile } from "./engine-kind.ts";
import { findCatalogueEntry, findOnnxLibraryProblem } from "./onnx-models.ts";

/** A model that is named by its file, and not by its id in the catalogue. */
function isModelPath(model: string): boolean {
  return /[/\\]|\.safetensors$/i.test(model);
}

const settings = z.strictObject({
  kind: z.literal("whisper").describe("A local Whisper model, run by ONNX Runtime."),
  model: z
    .string()
    .min(1)
    .describe("A catalogue id, or the path of a file that a pull converted.")
    .register(settingMarks, { isPath: isModelPath }),
  concurrency: count
    .max(64)
    .optional()
    .describe("Transcriptions side by side; they take turns on the same threads. Default 2."),
  liveTurns: count
    .max(1024)
    .optional()
    .describe(
      "Turns of live audio (realtime sessions in which somebody speaks) transcribed side by side; under load their text comes later. Default 32.",
    ),
  threads: count.max(1024).optional().describe("CPU threads; default: cores minus one, up to 4."),
  beams: count
    .max(16)
    .optional()
    .describe("Texts that are compared while they grow: more are better and slower. Default 5."),
  previousText: z
    .boolean()
    .default(false)
    .describe("Whether the text of the part before guides the next one: more coherent, but mistakes are repeated."),
});

type WhisperModel = ConfiguredModel<z.output<typeof settings>>;

export const whisperKind = {
  kind: "whisper",
  label: "Whisper",
  ownedBy: "local",
  types: ["transcription"],
  settings,
  listFiles: ({ model }) => (isModelOfCatalogue(model) ? [] : [model]),
  findType: () => "transcription",
  requirement: { about: "onnx library", library: "onnx", findProblem: findOnnxLibraryProblem },
  async createEngine({ id, engine }, host) {
    const { kind: _kind, model, ...common } = engine;
    const { path, source } = await locateFile(model, host);
    const detector = await host.pull(findCatalogueEntry(VOICE_DETECTOR_ID), host.signal);
    const created = createWhisperEngine({
      ...common,
      modelPath: path,
      voiceDetectorPath: detector.path,
      loading: host.loadingOf(id),
    });
    return { engine: created, source };
  },
  examine: async (model) => [await examineFile(model), ...(await examineDecoders(model))],
  async estimateBytes({ engine }) {
    const modelPath = await findFile(engine.model);
    return modelPath === null ? null : estimateWhisperBytes({ ...engine, modelPath });
  },
  nameModel(text: string) {
    if (!isModelOfCatalogue(text)) return null;
    return { id: text, engine: { kind: "whisper" as const, model: text } };
  },
} satisfies EngineKind<z.output<typeof settings>>;

function listWhisperEntries(): readonly CatalogueEntry[] {
  return listCatalogue().filter(({ type }) => type === "transcription");
}

function isModelOfCatalogue(model: string): boolean {
  return listWhisperEntries().some(({ id }) => id === model);
}

/** @returns null for a file that is not there, or not pulled yet */
async function findFile(model: string): Promise<string | null> {
  if (isModelOfCatalogue(model)) return (await findCachedModel(model))?.path ?? null;
  return existsSync(model) ? model : null;
}

async function locateFile(model: string, { pull, signal }: EngineHost): Promise<PulledFile> {
  const entry = listWhisperEntries().find(({ id }) => id === model);
  if (entry !== undefined) return pull(entry, signal);
  if (existsSync(model)) return { path: model, source: model };
  const known = listWhisperEntries().map(({ id }) => id);
  const tried = isModelPath(model) ? resolve(model) : model;
  throw new ConfigError(
    `"${tried}" is neither a file nor a transcription model of the catalogue. The catalogue has ${known.join(", ")}.`,
  );
}

async function examineFile({ id, engine }: WhisperModel): Promise<TimedFinding> {
  const about = `model ${id}`;
  const { model } = engine;
  const path = await findFile(model);
  if (isModelOfCatalogue(model)) {
    if (path !== null) return { about, status: "ok", message: `${model} is in the cache` };
    return {
      about,
      status: "warn",
      message: `the first start downloads it: ${describeCommand(`models pull ${model}`)}`,
    };
  }
  if (path === null)
    return { about, status: "fail", message: `${resolve(model)} is neither a file nor in the catalogue` };
  return { about, status: "ok", message: `${path} is there` };
}

/** Nothing where every file can be decoded. */
async function examineDecoders({ id }: WhisperModel): Promise<readonly TimedFinding[]> {
  const missing = await findMissingDecoders();
  if (missing.length === 0) return [];
  return [{ about: `model ${id}`, status: "warn", message: describeMissingDecoders(missing) }];
}
