/** The body of `POST /audio/speech` to a speech call: validated, with every default applied. */

import { AiError } from "@openai-compat/core";
import type { SpeechCallRequest } from "@openai-compat/core";
import { createSpeechRequestSchema } from "@openai-compat/spec";
import { checkEntries } from "../check-entries.ts";
import { countCharacters } from "../count-characters.ts";
import { decodeBody } from "../decode-body.ts";

export interface DecodedSpeech {
  readonly request: SpeechCallRequest;
  /** Whether events were requested in place of bytes. */
  readonly isEvents: boolean;
}

/**
 * `null` counts as left out; parameters that OpenAI does not document are ignored.
 *
 * @throws AiError with status 400, `param` naming what is wrong.
 */
export function decodeSpeech(body: unknown): DecodedSpeech {
  checkEntries(body);
  const wire = decodeBody(createSpeechRequestSchema, body);
  const { input: text, voice } = wire;
  if (text.trim() === "") {
    throw new AiError("invalid_value", "Invalid 'input': expected a text to speak, but it is empty.", {
      param: "input",
    });
  }
  return {
    request: {
      text,
      voice: typeof voice === "string" ? voice : voice.id,
      speed: wire.speed ?? 1,
      instructions: wire.instructions ?? null,
      format: wire.response_format ?? "mp3",
      characters: countCharacters(text),
    },
    isEvents: wire.stream_format === "sse",
  };
}
