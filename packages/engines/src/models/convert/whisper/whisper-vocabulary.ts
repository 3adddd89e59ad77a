/** The vocabulary that comes with a CTranslate2 Whisper: bytes of the text tokens, ids of the special ones. */

import { AiError } from "@openai-compat/core";
import { z } from "zod";
import type { WhisperConfig } from "../../../whisper/whisper-config.ts";

export interface WhisperVocabulary {
  /** Bytes of each text token; its index is its id. */
  readonly textTokens: readonly Buffer[];
  readonly isMultilingual: boolean;
  readonly tokens: WhisperConfig["tokens"];
  readonly languages: WhisperConfig["languages"];
}

/** Its id in the vocabulary of GPT-2, which the English-only checkpoints have; the multilingual one is another. */
const ENGLISH_END_OF_TEXT = 50_256;

/**
 * @param content `vocabulary.txt`, a token a line, or `vocabulary.json`, an array
 * @throws AiError `invalid_value`
 */
export function readWhisperVocabulary(content: string): WhisperVocabulary {
  const list = content.startsWith("[") ? parseList(content) : content.replace(/\n$/, "").split(/\r?\n/);
  const endOfText = findToken(list, "endoftext");
  const tokens = {
    endOfText,
    startOfTranscript: findToken(list, "startoftranscript"),
    translate: findToken(list, "translate"),
    transcribe: findToken(list, "transcribe"),
    startOfPrevious: findToken(list, "startofprev"),
    noSpeech: findToken(list, list.includes("<|nospeech|>") ? "nospeech" : "nocaptions"),
    noTimestamps: findToken(list, "notimestamps"),
    firstTimestamp: findToken(list, "0.00"),
  };
  const isMultilingual = endOfText !== ENGLISH_END_OF_TEXT;
  return {
    textTokens: list.slice(0, endOfText).map(decodeToken),
    isMultilingual,
    tokens,
    languages: isMultilingual ? listLanguages(list, tokens) : {},
  };
}

function parseList(content: string): readonly string[] {
  try {
    return z.array(z.string()).parse(JSON.parse(content));
  } catch (thrown) {
    throw unusable("it is no list of texts", thrown);
  }
}

function findToken(list: readonly string[], name: string): number {
  const id = list.indexOf(`<|${name}|>`);
  if (id === -1) throw unusable(`it has no token ${name}`);
  return id;
}

/** Their tokens lie between the start of a transcript and the tasks. */
function listLanguages(list: readonly string[], { startOfTranscript, translate }: WhisperConfig["tokens"]) {
  const first = startOfTranscript + 1;
  return Object.fromEntries(
    list.slice(first, translate).map((token, index) => [token.slice(2, -2), first + index] as const),
  );
}

/** Undoes GPT-2's alphabet, in which each byte is a printable character. */
function decodeToken(token: string): Buffer {
  return Buffer.from(
    Array.from(token, (character) => {
      const byte = BYTES.get(character.codePointAt(0) ?? -1);
      if (byte === undefined) throw unusable(`the token ${JSON.stringify(token).slice(0, 40)} has no bytes`);
      return byte;
    }),
  );
}

const BYTES: ReadonlyMap<number, number> = listByteCharacters();

/** https://github.com/openai/gpt-2/blob/master/src/encoder.py (`bytes_to_unicode`) */
function listByteCharacters(): Map<number, number> {
  const bytes = new Map<number, number>();
  let replacement = 256;
  for (let byte = 0; byte < 256; byte += 1) {
    const isPrintable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    bytes.set(isPrintable ? byte : replacement, byte);
    if (!isPrintable) replacement += 1;
  }
  return bytes;
}

function unusable(reason: string, cause?: unknown): AiError {
  return new AiError("invalid_value", `The vocabulary can't be used: ${reason}.`, { cause });
}
