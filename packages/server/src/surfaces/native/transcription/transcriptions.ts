/** The live transcriptions of this process: who may open one, and that nobody reaches another account's. */

import { AiError, createCallId } from "@openai-compat/core";
import type { AiService, AuthorisedCall, RealtimePatch, TurnDetectionPatch } from "@openai-compat/core";
import type {
  TranscriptionEvent,
  transcriptionFeedInputSchema,
  transcriptionOpenInputSchema,
} from "@openai-compat/spec";
import type { z } from "zod";
import type { ActiveSessions } from "../../../http/active-sessions.ts";
import { createSessionSlots } from "../../../http/session-slots.ts";
import { chooseCloseCode } from "../../openai/realtime/run-session.ts";
import type { CreateAudioDecoder, SessionRecord } from "../../openai/realtime/open-realtime.ts";
import type { RealtimeSettings } from "../../openai/realtime/settings.ts";
import { Transcription } from "./transcription.ts";

export interface TranscriptionDependencies {
  readonly service: Pick<AiService, "openRealtime">;
  readonly sessions: ActiveSessions;
  readonly createAudioDecoder: CreateAudioDecoder;
  /** The bounds of a session are those of realtime sessions. */
  readonly realtime: RealtimeSettings;
  readonly native: { readonly accountTranscriptionsMax: number };
  readonly onSessionEnd: (record: SessionRecord) => void;
}

type OpenInput = z.output<typeof transcriptionOpenInputSchema>;
type FeedInput = z.output<typeof transcriptionFeedInputSchema>;

export interface Transcriptions {
  /** @throws AiError `queue_full`, and as `AiService.openRealtime` */
  open(input: OpenInput, call: AuthorisedCall): Promise<{ readonly id: string }>;
  /** @throws AiError `invalid_value` for an id that is not known, or a gap */
  feed(input: FeedInput, call: AuthorisedCall): Promise<{ readonly receivedMs: number }>;
  /** @throws AiError as `feed` */
  commit(id: string, call: AuthorisedCall): Promise<void>;
  /** @throws AiError as `feed` */
  close(id: string, call: AuthorisedCall): void;
  /** @throws AiError as `feed` */
  read(id: string, call: AuthorisedCall): AsyncIterable<TranscriptionEvent>;
}

export function createTranscriptions(dependencies: TranscriptionDependencies): Transcriptions {
  const { service, sessions, createAudioDecoder, realtime, native, onSessionEnd } = dependencies;
  const { accountTranscriptionsMax: accountSessionsMax } = native;
  const slots = createSessionSlots({ ...realtime, accountSessionsMax, noun: "live transcriptions" });
  const open = new Map<string, OpenTranscription>();

  function find(id: string, { principal }: AuthorisedCall): OpenTranscription {
    const found = open.get(id);
    if (found?.transcription.accountId === principal.accountId) return found;
    const message = "There is no transcription with this id: it has ended, or it was opened on another server.";
    throw new AiError("invalid_value", message, { param: "id" });
  }

  /** @returns the transcription, which from now on acts for this call. */
  function use(id: string, call: AuthorisedCall): Transcription {
    const found = find(id, call);
    found.credential.call = call;
    return found.transcription;
  }

  return {
    async open(input, call) {
      const { accountId } = call.principal;
      const startedAt = performance.now();
      const giveSlotBack = slots.take(accountId);
      const credential = { call };
      const ended = new AbortController();
      try {
        const session = await service.openRealtime(call, {
          intent: "transcription",
          model: input.model ?? null,
          patch: encodePatch(input),
          authoriseTurn: () => renew(credential.call, ended.signal),
          limits: realtime,
          createDecoder: createAudioDecoder,
        });
        const transcription = new Transcription(session, accountId, (reason) => {
          ended.abort();
          open.delete(session.id);
          giveSlotBack();
          forget();
          const { requestId, operation } = call;
          const durationMs = performance.now() - startedAt;
          const line = { requestId, accountId, operationId: operation.id, durationMs, counts: session.counts };
          onSessionEnd({
            ...line,
            cause: reason === "disconnected" ? "client" : reason,
            closeCode: chooseCloseCode(reason),
          });
        });
        const forget = sessions.add({
          end: () => transcription.shutDown(),
          abort: () => transcription.abandon(),
          terminate: () => transcription.abandon(),
        });
        open.set(session.id, { transcription, credential });
        return { id: session.id };
      } catch (thrown) {
        giveSlotBack();
        throw thrown;
      }
    },
    async feed({ id, audio, sequence }, call) {
      const transcription = use(id, call);
      await transcription.feed({ bytes: Buffer.from(audio, "base64"), sequence });
      return { receivedMs: Math.round(transcription.counts.receivedMs) };
    },
    commit: (id, call) => use(id, call).commit(),
    close: (id, call) => use(id, call).close(),
    read: (id, call) => use(id, call).read(call),
  };
}

interface OpenTranscription {
  readonly transcription: Transcription;
  /** The last call that came for it, whose credential was good then. */
  readonly credential: { call: AuthorisedCall };
}

/** Of a turn: each call for the transcription was authenticated, so only the time can have ended the credential since. */
async function renew(call: AuthorisedCall, signal: AbortSignal): Promise<AuthorisedCall> {
  if (Date.now() < (call.principal.expiresAtMs ?? Number.POSITIVE_INFINITY)) {
    return { ...call, callId: createCallId(), signal, onRateLimit: () => {} };
  }
  throw new AiError("invalid_credentials", "The credential has expired. Go on with another one.");
}

function encodePatch({ model, language, prompt, format, turnDetection }: OpenInput): RealtimePatch {
  return {
    type: "transcription",
    format,
    transcription: {
      ...(model === undefined ? null : { model }),
      ...(language === undefined ? null : { language }),
      ...(prompt === undefined ? null : { prompt }),
    },
    ...(turnDetection === undefined ? null : { turnDetection: encodeDetection(turnDetection) }),
  };
}

function encodeDetection(detection: NonNullable<OpenInput["turnDetection"]> | null): TurnDetectionPatch | null {
  if (detection === null) return null;
  if (detection.type === "semantic-vad") {
    const { type, eagerness } = detection;
    return { type, ...(eagerness === undefined ? null : { eagerness }) };
  }
  const { type, threshold, prefixPaddingMs, silenceMs } = detection;
  return {
    type,
    ...(threshold === undefined ? null : { threshold }),
    ...(prefixPaddingMs === undefined ? null : { prefixPaddingMs }),
    ...(silenceMs === undefined ? null : { silenceMs }),
  };
}
