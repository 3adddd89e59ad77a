/**
 * What an engine kind says of itself. A module of this folder that implements it, listed in `index.ts`, is all that a
 * new kind takes: the configuration, its documentation, the wiring and `doctor` are made from the list.
 */

import type { Engine, ModelType } from "@openai-compat/core";
import type { CatalogueEntry, LoadingSettings, NativeLibraryName } from "@openai-compat/engines";
import type { z } from "zod";
import type { TimedFinding } from "../cli/doctor-finding.ts";

export interface EngineSettings {
  readonly kind: string;
}

/** A model of the configuration. */
export interface ConfiguredModel<Settings extends EngineSettings = EngineSettings> {
  readonly id: string;
  readonly type: ModelType;
  readonly engine: Settings;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export interface PulledFile {
  readonly path: string;
  /** Where it came from, for people. */
  readonly source: string;
}

/** What the process gives to the engines that it makes. */
export interface EngineHost {
  readonly environment: Environment;
  /** Aborted when the start is cancelled. */
  readonly signal: AbortSignal;
  /** Gets the file of a model of the catalogue, from the cache or by a download. */
  readonly pull: (entry: CatalogueEntry, signal: AbortSignal) => Promise<PulledFile>;
  /** Whether an upstream is reached at public addresses alone. */
  readonly publicAddressesOnly: boolean;
  /** How a model of this process is loaded, kept and unloaded; all share the memory. Call it at most once for each. */
  readonly loadingOf: (modelId: string) => LoadingSettings;
}

export interface ProbeOptions {
  readonly publicAddressesOnly: boolean;
  readonly signal: AbortSignal;
}

export interface CreatedEngine {
  readonly engine: Engine;
  /** Where the model's file came from, for people; null when it has none. */
  readonly source: string | null;
}

/** What a kind needs on the machine, whatever its models are. */
export interface Requirement {
  /** Its name in the output of `doctor`. */
  readonly about: string;
  /** The native library that the processes of its models load. Default: none. */
  readonly library?: NativeLibraryName;
  /** @returns why it is not met and what to do; null when it is met */
  findProblem(): Promise<string | null>;
}

/** Models that the ephemeral target serves, so that the conformance suite sees what only this kind can show. */
export interface TargetModels {
  readonly models: readonly {
    readonly id: string;
    readonly engine: Engine;
    /** Calls that may wait for a slot. Default 64. */
    readonly waitingMax?: number;
    /** Whether it costs what the target's prices say. Default false. */
    readonly isPaid?: boolean;
  }[];
  /** What the suite needs to know of them, named as the suite names it. */
  readonly recipe: {
    readonly models?: Readonly<Record<string, string>>;
    readonly fixtures: Readonly<Record<string, unknown>>;
  };
  close(): Promise<void>;
}

export interface EngineKind<Settings extends EngineSettings = EngineSettings> {
  /** What `engine.kind` of a model says. */
  readonly kind: Settings["kind"];
  /** In a sentence: "only an upstream can serve this type". */
  readonly label: string;
  /** `owned_by` of its models. */
  readonly ownedBy: string;
  /** The types of models that it serves. */
  readonly types: readonly ModelType[];
  /** The shape of `engine`, with the defaults, the concurrency among them, and the descriptions of docs/settings.md. */
  readonly settings: z.ZodType<Settings>;
  /** The type of a model that is known by its name, whatever the configuration says; null: it is not known. */
  findType?(settings: Settings): ModelType | null;
  /** A model of this kind that the configuration names by a text alone; null: the text means none of it. */
  nameModel?(text: string): { readonly id: string; readonly engine: { readonly kind: string } } | null;
  /** Settings that are for models of another type, a sentence each. */
  listMisfits?(model: ConfiguredModel<Settings>): readonly string[];
  /** Whether the model's weights may be in the memory of a GPU. */
  usesGpu?(settings: Settings): boolean;
  readonly requirement?: Requirement;
  /** The files of the machine that these settings name; a model of the catalogue is none. Default: none. */
  listFiles?(settings: Settings): readonly string[];
  /**
   * Asks whether the model is there, before it is added to a running server. Default: making its engine shows it.
   *
   * @throws AiError with status 400 that says what is wrong, without the secrets of the settings
   */
  probe?(model: ConfiguredModel<Settings>, options: ProbeOptions): Promise<void>;
  /**
   * Nothing native is loaded, and no connection is opened, before the engine's first call.
   *
   * @throws ConfigError for settings that can't be used; AiError when the model's file can't be pulled
   */
  createEngine(model: ConfiguredModel<Settings>, host: EngineHost): Promise<CreatedEngine>;
  /** Whether the model can be served, for `doctor`. Changes nothing, and downloads nothing. */
  examine?(model: ConfiguredModel<Settings>, environment: Environment): Promise<readonly TimedFinding[]>;
  /** The memory that the local model takes, its process not counted, in bytes; null while its file is missing. @throws AiError */
  estimateBytes?(model: ConfiguredModel<Settings>): Promise<number | null>;
  openTargetModels?(): Promise<TargetModels>;
}
