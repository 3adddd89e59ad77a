/**
 * Our audio types against those of the official SDK, in both directions. The SDK hands speech out as a raw response and
 * has no types for its events.
 */
import type { Uploadable } from "openai/core/uploads";
import type { AudioResponseFormat as SdkFormat } from "openai/resources/audio/audio";
import type { SpeechCreateParams } from "openai/resources/audio/speech";
import type {
  Transcription,
  TranscriptionCreateParams,
  TranscriptionDiarized,
  TranscriptionDiarizedSegment as SdkDiarizedSegment,
  TranscriptionSegment as SdkSegment,
  TranscriptionTextDeltaEvent,
  TranscriptionTextDoneEvent,
  TranscriptionTextSegmentEvent,
  TranscriptionVerbose,
  TranscriptionWord as SdkWord,
} from "openai/resources/audio/transcriptions";
import type { Translation, TranslationCreateParams, TranslationVerbose } from "openai/resources/audio/translations";
import type { Assert, AssignableBut, Same } from "../shared/type-check.ts";
import type { CreateSpeechRequest } from "./speech-request.ts";
import type {
  TranscriptTextDeltaEvent,
  TranscriptTextDoneEvent,
  TranscriptTextSegmentEvent,
} from "./transcription-event.ts";
import type { AudioResponseFormat, CreateTranscriptionRequest } from "./transcription-request.ts";
import type {
  CreateTranscriptionResponseDiarizedJson,
  CreateTranscriptionResponseJson,
  CreateTranscriptionResponseVerboseJson,
} from "./transcription-response.ts";
import type { TranscriptionDiarizedSegment, TranscriptionSegment, TranscriptionWord } from "./transcription-segment.ts";
import type { CreateTranslationRequest } from "./translation-request.ts";
import type { CreateTranslationResponseJson, CreateTranslationResponseVerboseJson } from "./translation-response.ts";

/** The SDK splits its parameters by `stream` and lists its own models beside "any string"; the wire has one type. */
type SdkTranscription = Omit<TranscriptionCreateParams, "file" | "stream" | "model"> & {
  stream?: boolean | null;
  model: string;
};
type SdkTranslation = Omit<TranslationCreateParams, "file" | "model"> & { model: string };
type SdkSpeech = Omit<SpeechCreateParams, "model"> & { model: string };

/** The SDK makes a file of much else (streams, responses) before it sends it, so this holds in one direction alone. */
type FileIsUploadable = CreateTranscriptionRequest["file"] extends Uploadable ? true : false;

export type Tests = [
  Assert<FileIsUploadable>,
  Assert<Same<CreateTranslationRequest["file"], CreateTranscriptionRequest["file"]>>,
  Assert<AssignableBut<{}, Omit<CreateTranscriptionRequest, "file">, SdkTranscription>>,
  Assert<AssignableBut<{}, SdkTranscription, Omit<CreateTranscriptionRequest, "file">>>,
  Assert<AssignableBut<{}, Omit<CreateTranslationRequest, "file">, SdkTranslation>>,
  Assert<AssignableBut<{}, SdkTranslation, Omit<CreateTranslationRequest, "file">>>,
  Assert<AssignableBut<{}, CreateSpeechRequest, SdkSpeech>>,
  Assert<AssignableBut<{}, SdkSpeech, CreateSpeechRequest>>,
  Assert<Same<AudioResponseFormat, SdkFormat>>,
  Assert<AssignableBut<{}, CreateTranscriptionResponseJson, Transcription>>,
  Assert<AssignableBut<{}, Transcription, CreateTranscriptionResponseJson>>,
  Assert<AssignableBut<{}, CreateTranscriptionResponseVerboseJson, TranscriptionVerbose>>,
  Assert<AssignableBut<{}, TranscriptionVerbose, CreateTranscriptionResponseVerboseJson>>,
  Assert<AssignableBut<{}, CreateTranscriptionResponseDiarizedJson, TranscriptionDiarized>>,
  Assert<AssignableBut<{}, TranscriptionDiarized, CreateTranscriptionResponseDiarizedJson>>,
  Assert<AssignableBut<{}, CreateTranslationResponseJson, Translation>>,
  Assert<AssignableBut<{}, Translation, CreateTranslationResponseJson>>,
  Assert<AssignableBut<{}, CreateTranslationResponseVerboseJson, TranslationVerbose>>,
  Assert<AssignableBut<{}, TranslationVerbose, CreateTranslationResponseVerboseJson>>,
  Assert<AssignableBut<{}, TranscriptionWord, SdkWord>>,
  Assert<AssignableBut<{}, SdkWord, TranscriptionWord>>,
  Assert<AssignableBut<{}, TranscriptionSegment, SdkSegment>>,
  Assert<AssignableBut<{}, SdkSegment, TranscriptionSegment>>,
  Assert<AssignableBut<{}, TranscriptionDiarizedSegment, SdkDiarizedSegment>>,
  Assert<AssignableBut<{}, SdkDiarizedSegment, TranscriptionDiarizedSegment>>,
  Assert<AssignableBut<{}, TranscriptTextSegmentEvent, TranscriptionTextSegmentEvent>>,
  Assert<AssignableBut<{}, TranscriptionTextSegmentEvent, TranscriptTextSegmentEvent>>,
  Assert<AssignableBut<{}, TranscriptTextDeltaEvent, TranscriptionTextDeltaEvent>>,
  Assert<AssignableBut<{}, TranscriptionTextDeltaEvent, TranscriptTextDeltaEvent>>,
  Assert<AssignableBut<{}, TranscriptTextDoneEvent, TranscriptionTextDoneEvent>>,
  Assert<AssignableBut<{}, TranscriptionTextDoneEvent, TranscriptTextDoneEvent>>,
];
