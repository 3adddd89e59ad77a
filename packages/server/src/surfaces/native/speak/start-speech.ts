/**
 * Starts the speech behind `speak` and `speakStream`: by a local voice or an upstream, decoded and served as
 * `POST /audio/speech`. What comes out is the same for both.
 */

import { speechCalls } from "@openai-compat/core";
import type { AiService, SpeechRun, UpstreamRun } from "@openai-compat/core";
import { SPEECH_CONTENT_TYPES } from "@openai-compat/spec";
import type { SpeakInput, SpeakUsage, SpeechFormat } from "@openai-compat/spec";
import { decodeSpeech } from "../../openai/audio/decode-speech.ts";
import { decodeUpstreamSpeech } from "../../openai/audio/decode-upstream-speech.ts";
import { countCharacters } from "../../openai/count-characters.ts";
import type { NativeCall } from "../native-handlers.ts";
import { prepareUpstream } from "../../openai/upstream/prepare-upstream.ts";
import { renameParam } from "../rename-param.ts";
import type { FieldNames } from "../rename-param.ts";

/** An admitted speech. Its slot is held until `pieces` ends or is closed, or the call's signal aborts. */
export interface StartedSpeech {
  readonly modelId: string;
  readonly contentType: string;
  /** @throws AiError while iterating */
  readonly pieces: AsyncIterable<Uint8Array>;
  /** Known when the pieces have ended. */
  readonly usage: () => SpeakUsage;
}

const FIELD_NAMES: FieldNames = [
  ["input", "text"],
  ["response_format", "format"],
];
/** A name that every voice model of this server and OpenAI's knows. */
const DEFAULT_VOICE = "alloy";

/** @throws AiError what refuses a speech, `param` naming a field of the input */
export async function startSpeech(input: SpeakInput, call: NativeCall, service: AiService): Promise<StartedSpeech> {
  const { model = "default", text, voice = DEFAULT_VOICE, instructions, format = "mp3", speed } = input;
  const body = { model, input: text, voice, instructions, response_format: format, speed };
  const characters = countCharacters(text);
  const routed = service.route(call.authorised, speechCalls, model);
  try {
    if (routed.route === "local")
      return describeLocal(await routed.run(decodeSpeech(body).request), format, characters);
    const run = await routed.run(await prepareUpstream(body, decodeUpstreamSpeech, call));
    return describeUpstream(run, characters);
  } catch (thrown) {
    throw renameParam(thrown, FIELD_NAMES);
  }
}

function describeLocal({ modelId, events }: SpeechRun, format: SpeechFormat, characters: number): StartedSpeech {
  let usage: SpeakUsage = { characters, inputTokens: 0, outputTokens: 0 };
  const pieces: AsyncIterableIterator<Uint8Array> = {
    async next() {
      for (;;) {
        const { done, value: event } = await events.next();
        if (done === true) return { done, value: undefined };
        if (event.type === "speech-audio") return { value: event.bytes };
        usage = { characters, inputTokens: event.inputTokens, outputTokens: event.outputTokens };
      }
    },
    async return() {
      await events.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => pieces,
  };
  return { modelId, contentType: SPEECH_CONTENT_TYPES[format], pieces, usage: () => usage };
}

function describeUpstream(run: UpstreamRun, characters: number): StartedSpeech {
  const { modelId, contentType } = run;
  const pieces = run.kind === "chunks" ? run.chunks : listOne(run.body);
  // How many tokens they were is not in a file.
  return { modelId, contentType, pieces, usage: () => ({ characters, inputTokens: 0, outputTokens: 0 }) };
}

async function* listOne<Item>(item: Item): AsyncGenerator<Item, void> {
  yield item;
}
