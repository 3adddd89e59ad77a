/** The engine kind `voice`: local voices of the catalogue, run by ONNX Runtime. */

import {
  createVoiceEngine,
  estimateVoiceBytes,
  findCachedModel,
  listMissingEncoders,
  listVoiceIds,
} from "@openai-compat/engines";
import type { VoiceFiles } from "@openai-compat/engines";
import { z } from "zod";
import type { TimedFinding } from "../cli/doctor-finding.ts";
import { describeCommand, describeInstall } from "../cli/invocation.ts";
import { count } from "../settings/units.ts";
import type { ConfiguredModel, EngineHost, EngineKind } from "./engine-kind.ts";
import { findCatalogueEntry, findOnnxLibraryProblem } from "./onnx-models.ts";

const FAMILIES = ["hibari", "kokoro"] as const satisfies readonly VoiceFiles["family"][];

const settings = z.strictObject({
  kind: z.literal("voice").describe("A local voice of the catalogue, run by ONNX Runtime. It speaks English."),
  model: z
    .enum(FAMILIES)
    .describe(
      "`hibari`: one voice, about twenty times as fast as it speaks. `kokoro`: 54 voices, more natural and slower; all read " +
        "English, and only the 28 that begin with `af_`, `am_`, `bf_` or `bm_` without an accent.",
    ),
  voices: z
    .record(z.string().min(1).max(100), z.string())
    .default({})
    .describe('Other names of voices, such as `{ "alloy": "am_adam" }`. OpenAI\'s names are mapped by default.'),
  concurrency: count
    .max(64)
    .optional()
    .describe("Texts spoken side by side; they take turns, a sentence each. Default 4."),
  threads: count.max(1024).optional().describe("CPU threads. Default 1: more gain little."),
});

type VoiceModel = ConfiguredModel<z.output<typeof settings>>;

export const voiceKind = {
  kind: "voice",
  label: "a local voice",
  ownedBy: "local",
  types: ["speech"],
  settings,
  findType: () => "speech",
  listMisfits({ engine: { model, voices } }) {
    const known = listVoiceIds(model);
    const unknown = [...new Set(Object.values(voices))].filter((voice) => !known.includes(voice));
    return unknown.map((voice) => `voices names "${voice}", and ${model} has ${known.join(", ")}`);
  },
  requirement: { about: "onnx library", findProblem: findOnnxLibraryProblem },
  async createEngine({ id, engine }, host) {
    const { files, source } = await pullFiles(engine.model, host);
    const { voices, concurrency, threads } = engine;
    const created = createVoiceEngine({
      files,
      aliases: voices,
      concurrency,
      threads,
      loading: host.loadingOf(id),
    });
    return { engine: created, source };
  },
  examine: async (model) => [await examineFiles(model), ...examineEncoders(model)],
  async estimateBytes({ engine }) {
    const files = await findFiles(engine.model);
    return files === null ? null : estimateVoiceBytes(files);
  },
  nameModel(text: string) {
    const model = FAMILIES.find((family) => family === text);
    return model === undefined ? null : { id: model, engine: { kind: "voice" as const, model } };
  },
} satisfies EngineKind<z.output<typeof settings>>;

async function pullFiles(model: VoiceFiles["family"], { pull, signal }: EngineHost) {
  const { path: archivePath, source } = await pull(findCatalogueEntry("hibari"), signal);
  if (model === "hibari") return { files: nameFiles({ hibari: archivePath, kokoro: null }), source };
  const styles = await pull(findCatalogueEntry("kokoro-voices"), signal);
  const kokoro = await pull(findCatalogueEntry("kokoro"), signal);
  const files = nameFiles({ hibari: archivePath, kokoro: { modelPath: kokoro.path, stylesPath: styles.path } });
  return { files, source: kokoro.source };
}

interface FoundFiles {
  readonly hibari: string;
  readonly kokoro: { readonly modelPath: string; readonly stylesPath: string } | null;
}

function nameFiles({ hibari, kokoro }: FoundFiles): VoiceFiles {
  if (kokoro === null) return { family: "hibari", archivePath: hibari };
  return { family: "kokoro", archivePath: hibari, ...kokoro };
}

/** @returns null while one of them is not pulled yet */
async function findFiles(model: VoiceFiles["family"]): Promise<VoiceFiles | null> {
  const pathOf = async (id: string): Promise<string | null> => (await findCachedModel(id))?.path ?? null;
  const hibari = await pathOf("hibari");
  if (hibari === null) return null;
  if (model === "hibari") return nameFiles({ hibari, kokoro: null });
  const [modelPath, stylesPath] = [await pathOf("kokoro"), await pathOf("kokoro-voices")];
  return modelPath === null || stylesPath === null ? null : nameFiles({ hibari, kokoro: { modelPath, stylesPath } });
}

async function examineFiles({ id, engine: { model } }: VoiceModel): Promise<TimedFinding> {
  const about = `model ${id}`;
  if ((await findFiles(model)) !== null) return { about, status: "ok", message: `${model} is in the cache` };
  const message = `the first start downloads it: ${describeCommand(`models pull ${model}`)}`;
  return { about, status: "warn", message };
}

function examineEncoders({ id }: VoiceModel): readonly TimedFinding[] {
  const missing = listMissingEncoders();
  if (missing.length === 0) return [];
  const formats = missing.map(({ format }) => format).join(", ");
  const namesOf = (kind: "package" | "program") =>
    missing.flatMap(({ need }) => (need.kind === kind ? [need.name] : []));
  const [packages, programs] = [namesOf("package"), namesOf("program")];
  const ways = [
    ...(packages.length > 0 ? [`install packages with: ${describeInstall(packages)}`] : []),
    ...(programs.length > 0 ? [`put ${programs.join(", ")} on the PATH`] : []),
  ];
  const message = `it can't answer with ${formats}; ${ways.join("; ")}`;
  return [{ about: `model ${id}`, status: "warn", message }];
}
