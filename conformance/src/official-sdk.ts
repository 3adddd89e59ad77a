/**
 * The official SDK that a run judges through: a module of one of its majors, which checks are given and never import.
 * The types are those of the newest one; what an older one lacks is declared here, and a check that needs it is
 * not-testable there.
 */

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { VERSION } from "openai/version";

export const SDK_MAJORS = [5, 6, 7] as const;
export type SdkMajor = (typeof SDK_MAJORS)[number];

export const SDK_FEATURE_NAMES = ["zod-4", "realtime-intent", "input-tokens", "compact"] as const;
export type SdkFeature = (typeof SDK_FEATURE_NAMES)[number];

/**
 * What not every major can do, and those that can. `zod-4`: its `zodResponseFormat` takes a shape of zod 4.
 * `realtime-intent`: its `OpenAIRealtimeWS` opens a transcription session by intent, not by model alone. `input-tokens`: it
 * has `responses.inputTokens.count`. `compact`: it has `responses.compact`.
 */
const MAJORS_OF: Readonly<Record<SdkFeature, readonly SdkMajor[]>> = {
  "zod-4": [6, 7],
  "realtime-intent": [7],
  "input-tokens": [6, 7],
  compact: [6, 7],
};

export interface OfficialSdk {
  readonly major: SdkMajor;
  readonly version: string;
  readonly OpenAI: typeof OpenAI;
  readonly OpenAIRealtimeWS: typeof OpenAIRealtimeWS;
  /** Of use where the major has the feature `zod-4`. */
  readonly zodResponseFormat: typeof zodResponseFormat;
}

/** The newest major. */
export const DEFAULT_SDK: OfficialSdk = { major: 7, version: VERSION, OpenAI, OpenAIRealtimeWS, zodResponseFormat };

export function hasSdkFeature({ major }: Pick<OfficialSdk, "major">, feature: SdkFeature): boolean {
  return MAJORS_OF[feature].includes(major);
}

/** Older majors are loaded when a run asks for them. */
const LOADERS: Readonly<Record<SdkMajor, () => Promise<OfficialSdk>>> = {
  5: async () =>
    makeSdk(5, [
      await import("openai-v5"),
      await import("openai-v5/realtime/ws"),
      await import("openai-v5/helpers/zod"),
      await import("openai-v5/version"),
    ]),
  6: async () =>
    makeSdk(6, [
      await import("openai-v6"),
      await import("openai-v6/realtime/ws"),
      await import("openai-v6/helpers/zod"),
      await import("openai-v6/version"),
    ]),
  7: () => Promise.resolve(DEFAULT_SDK),
};

export function loadOfficialSdk(major: SdkMajor): Promise<OfficialSdk> {
  return LOADERS[major]();
}

function makeSdk(major: SdkMajor, modules: readonly object[]): OfficialSdk {
  const exported: unknown = Object.assign({}, ...modules);
  if (!isSdk(exported)) throw new Error(`The package of openai ${major} lacks an export that the suite uses.`);
  const { VERSION: version, OpenAI: client, OpenAIRealtimeWS: socket, zodResponseFormat: format } = exported;
  return { major, version, OpenAI: client, OpenAIRealtimeWS: socket, zodResponseFormat: format };
}

type SdkExports = Omit<OfficialSdk, "major" | "version"> & { readonly VERSION: string };

/** Whether the names are there; that they behave as their types say is what a run on each major shows. */
function isSdk(exported: unknown): exported is SdkExports {
  const values = new Map<string, unknown>(Object.entries(Object(exported)));
  const names = ["OpenAI", "OpenAIRealtimeWS", "zodResponseFormat"];
  return names.every((name) => typeof values.get(name) === "function") && typeof values.get("VERSION") === "string";
}
