/**
 * The names of models in the events of a session: ours at the caller, the upstream's at the upstream. Nothing else of an
 * event is changed.
 */

import { AiError } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "../json-value.ts";
import { readInput } from "./audio-rate.ts";

export interface SessionModelsOptions {
  /** The upstream's name of the session's model. */
  readonly theirs: string;
  /** Our id of it. */
  readonly ours: string;
  /** Whether a caller may mean it by this name. */
  readonly isModel: (name: string) => boolean;
  /** Other models of the upstream that may transcribe in the session. */
  readonly transcriptionModels: readonly string[];
  /** Whether the query names no model: then the model of the transcription is the session's, and is always sent. */
  readonly isTranscription: boolean;
}

export interface SessionModels {
  /** @returns whether the event was changed. @throws AiError `model_not_found`; the event is unchanged then */
  toTheirs(event: JsonRecord): boolean;
  /** @returns whether the event was changed */
  toOurs(event: JsonRecord): boolean;
}

export function createSessionModels(options: SessionModelsOptions): SessionModels {
  const { theirs, ours, isModel, transcriptionModels, isTranscription } = options;

  function resolve({ holder, param, transcribes }: ModelField): string | null {
    const name = holder["model"];
    if (typeof name !== "string") return transcribes && isTranscription ? theirs : null;
    if (isModel(name)) return theirs;
    if (transcribes && transcriptionModels.includes(name)) return null;
    const message = `The model '${name.slice(0, 200)}' can't be used in this session, which is one of '${ours}'.`;
    throw new AiError("model_not_found", message, { param });
  }

  return {
    toTheirs(event) {
      const fields = listModelFields(event);
      const names = fields.map(resolve);
      return fields.map(({ holder }, index) => rename(holder, names[index] ?? null)).includes(true);
    },
    toOurs: (event) =>
      listModelFields(event)
        .map(({ holder }) => rename(holder, holder["model"] === theirs ? ours : null))
        .includes(true),
  };
}

interface ModelField {
  /** The object whose `model` it is. */
  readonly holder: JsonRecord;
  readonly param: string;
  /** Whether it is the model of the transcription. */
  readonly transcribes: boolean;
}

/** Where a session names models, in the shape of today and of the beta. */
function listModelFields({ session }: JsonRecord): readonly ModelField[] {
  if (!isRecord(session)) return [];
  const fields: ModelField[] = [];
  if (session["model"] !== undefined) fields.push({ holder: session, param: "session.model", transcribes: false });
  const transcription = readInput(session)?.["transcription"];
  if (isRecord(transcription)) {
    fields.push({ holder: transcription, param: "session.audio.input.transcription.model", transcribes: true });
  }
  const flat = session["input_audio_transcription"];
  if (isRecord(flat))
    fields.push({ holder: flat, param: "session.input_audio_transcription.model", transcribes: true });
  return fields;
}

function rename(holder: JsonRecord, name: string | null): boolean {
  if (name === null || holder["model"] === name) return false;
  holder["model"] = name;
  return true;
}
