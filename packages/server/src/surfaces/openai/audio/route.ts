/** `POST /audio/transcriptions`, `/audio/translations` and `/audio/speech`, by upstreams alone. */

import { FORM_BODY, JSON_BODY, defineUpstreamRoute } from "../model-route.ts";
import { defineFormDecoder } from "./decode-form.ts";
import { decodeUpstreamSpeech } from "./decode-speech.ts";

export const createTranscription = defineUpstreamRoute("createTranscription", {
  body: FORM_BODY,
  decodeUpstream: defineFormDecoder("createTranscription"),
});

export const createTranslation = defineUpstreamRoute("createTranslation", {
  body: FORM_BODY,
  decodeUpstream: defineFormDecoder("createTranslation"),
});

export const createSpeech = defineUpstreamRoute("createSpeech", {
  body: JSON_BODY,
  decodeUpstream: decodeUpstreamSpeech,
});
