/**
 * Our realtime types against those of the official SDK. The SDK calls the sessions of a server by the type of a request;
 * what our shapes leave open (tools, prompts, tracing) is not compared.
 */
import type {
  ClientSecretCreateResponse,
  RealtimeTranscriptionSessionCreateResponse as SdkTranscriptionSession,
} from "openai/resources/realtime/client-secrets";
import type {
  AudioTranscription as SdkTranscription,
  ConversationItemAdded,
  ConversationItemDeletedEvent as SdkDeleted,
  ConversationItemDone,
  ConversationItemInputAudioTranscriptionCompletedEvent,
  ConversationItemInputAudioTranscriptionDeltaEvent,
  ConversationItemInputAudioTranscriptionFailedEvent,
  InputAudioBufferClearedEvent as SdkCleared,
  InputAudioBufferCommittedEvent as SdkCommitted,
  InputAudioBufferSpeechStartedEvent as SdkStarted,
  InputAudioBufferSpeechStoppedEvent as SdkStopped,
  RealtimeAudioFormats as SdkFormats,
  RealtimeClientEvent as SdkClientEvent,
  RealtimeConversationItemUserMessage,
  RealtimeErrorEvent as SdkError,
  RealtimeServerEvent as SdkServerEvent,
} from "openai/resources/realtime/realtime";
import type { Assert, AssignableBut, Same } from "../shared/type-check.ts";
import type { RealtimeAudioFormats } from "./audio-format.ts";
import type { AudioTranscription } from "./audio-input.ts";
import type { RealtimeClientEvent } from "./client-event.ts";
import type { RealtimeCreateClientSecretResponse } from "./client-secret.ts";
import type { RealtimeUserMessage } from "./conversation-item.ts";
import type {
  InputAudioBufferClearedEvent,
  InputAudioBufferCommittedEvent,
  InputAudioBufferSpeechStartedEvent,
  InputAudioBufferSpeechStoppedEvent,
} from "./input-buffer-event.ts";
import type {
  ConversationItemAddedEvent,
  ConversationItemDeletedEvent,
  ConversationItemDoneEvent,
} from "./item-event.ts";
import type { RealtimeServerEvent } from "./server-event.ts";
import type { RealtimeErrorEvent } from "./session-event.ts";
import type { RealtimeTranscriptionSessionCreateResponse } from "./session.ts";
import type {
  RealtimeTranscriptionCompletedEvent,
  RealtimeTranscriptionDeltaEvent,
  RealtimeTranscriptionFailedEvent,
} from "./transcription-event.ts";

/** The SDK lists OpenAI's models beside "any string". */
type SdkAudioTranscription = Omit<SdkTranscription, "model"> & { model?: string };

export type Tests = [
  Assert<Same<RealtimeClientEvent["type"], SdkClientEvent["type"]>>,
  Assert<Same<RealtimeServerEvent["type"], SdkServerEvent["type"]>>,
  Assert<AssignableBut<{}, AudioTranscription, SdkAudioTranscription>>,
  Assert<AssignableBut<{}, SdkAudioTranscription, AudioTranscription>>,
  Assert<Same<RealtimeAudioFormats["type"], NonNullable<SdkFormats["type"]>>>,
  Assert<AssignableBut<{}, RealtimeUserMessage, RealtimeConversationItemUserMessage>>,
  Assert<AssignableBut<{}, RealtimeConversationItemUserMessage, RealtimeUserMessage>>,
  Assert<AssignableBut<{}, InputAudioBufferCommittedEvent, SdkCommitted>>,
  Assert<AssignableBut<{}, SdkCommitted, InputAudioBufferCommittedEvent>>,
  Assert<AssignableBut<{}, InputAudioBufferClearedEvent, SdkCleared>>,
  Assert<AssignableBut<{}, SdkCleared, InputAudioBufferClearedEvent>>,
  Assert<AssignableBut<{}, InputAudioBufferSpeechStartedEvent, SdkStarted>>,
  Assert<AssignableBut<{}, SdkStarted, InputAudioBufferSpeechStartedEvent>>,
  Assert<AssignableBut<{}, InputAudioBufferSpeechStoppedEvent, SdkStopped>>,
  Assert<AssignableBut<{}, SdkStopped, InputAudioBufferSpeechStoppedEvent>>,
  Assert<AssignableBut<{}, ConversationItemDeletedEvent, SdkDeleted>>,
  Assert<AssignableBut<{}, SdkDeleted, ConversationItemDeletedEvent>>,
  Assert<Same<keyof ConversationItemAddedEvent, keyof ConversationItemAdded>>,
  Assert<Same<keyof ConversationItemDoneEvent, keyof ConversationItemDone>>,
  Assert<AssignableBut<{}, RealtimeTranscriptionDeltaEvent, ConversationItemInputAudioTranscriptionDeltaEvent>>,
  Assert<AssignableBut<{}, ConversationItemInputAudioTranscriptionDeltaEvent, RealtimeTranscriptionDeltaEvent>>,
  Assert<AssignableBut<{}, RealtimeTranscriptionCompletedEvent, ConversationItemInputAudioTranscriptionCompletedEvent>>,
  Assert<AssignableBut<{}, ConversationItemInputAudioTranscriptionCompletedEvent, RealtimeTranscriptionCompletedEvent>>,
  Assert<AssignableBut<{}, RealtimeTranscriptionFailedEvent, ConversationItemInputAudioTranscriptionFailedEvent>>,
  Assert<AssignableBut<{}, ConversationItemInputAudioTranscriptionFailedEvent, RealtimeTranscriptionFailedEvent>>,
  Assert<AssignableBut<{}, RealtimeErrorEvent, SdkError>>,
  Assert<AssignableBut<{}, SdkError, RealtimeErrorEvent>>,
  Assert<Same<keyof RealtimeTranscriptionSessionCreateResponse, keyof SdkTranscriptionSession>>,
  Assert<Same<keyof RealtimeCreateClientSecretResponse, keyof ClientSecretCreateResponse>>,
];
