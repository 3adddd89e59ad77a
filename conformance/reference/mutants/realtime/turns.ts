/** Turns of which the server says something wrong, too much, too little or too late. */

import { isJsonObject } from "../../../src/expect.ts";
import { fail } from "../../realtime/handlers.ts";
import { composeError, nextItem, readAt, type ServerEvent, type Session, type Step } from "../../realtime/session.ts";
import { type Mutant, omit } from "../mutant.ts";
import {
  isCompleted,
  isDelta,
  mutateEvents,
  mutateRealtime,
  mutateSteps,
  mutateTranscript,
  mutateTurn,
  name,
} from "./mutate-realtime.ts";

const WORDS = ["turn.words", "turn.same-as-recording", "format.pcmu.words", "format.pcma.words"];

const laws: readonly Mutant[] = [
  mutateRealtime(name("one-event-id", "all events have one id", ["turn.event-id"]), () => ({
    stamp: (event) => ({ event_id: "event_1", ...event }),
  })),
  mutateRealtime(name("no-event-id", "events of a transcription have no id", ["turn.event-id"]), (wire) => ({
    stamp: (event, place) => (isCompleted(event) ? event : wire.stamp(event, place)),
  })),
  mutateRealtime(
    name("typeless-message", "a message without a type keeps the connection alive", ["turn.sdk"]),
    ({ open, stamp }) => ({
      open: (opening) => {
        const step = open(opening);
        return { ...step, events: [...step.events, { type: "keep-alive" }] };
      },
      stamp: (event, place) => (event.type === "keep-alive" ? { event_id: "event_alive", at: 1 } : stamp(event, place)),
    }),
  ),
  mutateTurn(name("responds", "a turn begins a response", ["turn.no-response"]), (events) => [
    ...events,
    {
      type: "response.created",
      response: { id: "resp_1", object: "realtime.response", status: "in_progress", output: [] },
    },
  ]),
  mutateTurn(name("not-committed", "a turn has no `committed`", ["turn.committed"]), (events) =>
    events.filter(({ type }) => type !== "input_audio_buffer.committed"),
  ),
  mutateTurn(name("no-chain", "no item says which came before it", ["turn.previous-item"]), (events) =>
    events.map((event) => ("previous_item_id" in event ? { ...event, previous_item_id: null } : event)),
  ),
  mutateTurn(name("item-number", "an item names the one before it by its number", ["turn.shape"]), (events) =>
    events.map((event) => (event.type === "conversation.item.done" ? { ...event, previous_item_id: 1 } : event)),
  ),
  mutateRealtime(name("close-unanswered", "a close frame is not answered", ["turn.close"]), () => ({
    closeReply: () => null,
  })),
  mutateTurn(name("item-created", "items come by the event of the beta", ["turn.item-events"]), (events) =>
    events
      .filter(({ type }) => type !== "conversation.item.done")
      .map((event) =>
        event.type === "conversation.item.added" ? { ...event, type: "conversation.item.created" } : event,
      ),
  ),
  mutateTurn(name("text-first", "the text comes before its item", ["turn.order"]), (events) => [
    ...events.filter((event) => isDelta(event) || isCompleted(event)),
    ...events.filter((event) => !isDelta(event) && !isCompleted(event)),
  ]),
  mutateTurn(name("item-of-assistant", "what the user said is the assistant's", ["turn.item"]), (events) =>
    events.map((event) => {
      const { item } = event;
      if (!isJsonObject(item)) return event;
      return { ...event, item: { ...item, role: "assistant", content: [{ type: "output_audio", transcript: null }] } };
    }),
  ),
  mutateRealtime(name("text-when-asked", "texts wait for the next message", ["turn.completed"]), () => ({
    holds: (event) => isDelta(event) || isCompleted(event),
  })),
  mutateTranscript(name("never-completed", "a text has deltas and no end", ["turn.completed"]), (events) =>
    events.filter((event) => !isCompleted(event)),
  ),
  mutateTranscript(name("fails", "every transcription fails", ["turn.completed"]), (_, { itemId }) => [
    {
      type: "conversation.item.input_audio_transcription.failed",
      item_id: itemId,
      content_index: 0,
      error: { type: "server_error", code: "engine_failed", message: "It failed." },
    },
  ]),
  mutateTranscript(name("completed-twice", "a text ends twice", ["turn.ends-once"]), (events) => [
    ...events,
    ...events.filter(isCompleted),
  ]),
  mutateTranscript(name("late-delta", "a delta comes after the end", ["turn.ends-once"]), (events) => [
    ...events.slice(0, -2),
    ...events.slice(-2).toReversed(),
  ]),
  mutateTranscript(name("content-index-one", "the text is of the second content", ["turn.content-index"]), (events) =>
    events.map((event) => ({ ...event, content_index: 1 })),
  ),
  mutateTranscript(name("deltas-trimmed", "deltas have no blanks between them", ["turn.deltas-join"]), (events) =>
    events.map((event) => (isDelta(event) ? { ...event, delta: String(event["delta"]).trim() } : event)),
  ),
  mutateTranscript(name("deltas-grow", "each delta has the text so far", ["turn.deltas-join"]), (events) =>
    events.map((event, index) =>
      isDelta(event)
        ? {
            ...event,
            delta: events
              .slice(0, index + 1)
              .map((earlier) => String(earlier["delta"]))
              .join(""),
          }
        : event,
    ),
  ),
  mutateTranscript(name("no-usage", "a text has no usage", ["turn.usage"]), (events) =>
    events.map((event) => (isCompleted(event) ? asEvent(event.type, omit(event, "usage")) : event)),
  ),
  mutateTranscript(name("usage-sum", "tokens don't add up", ["turn.usage"]), (events) =>
    events.map((event) =>
      isCompleted(event)
        ? {
            ...event,
            usage: {
              type: "tokens",
              input_tokens: 20,
              output_tokens: 5,
              total_tokens: 5,
              input_token_details: { text_tokens: 0, audio_tokens: 20 },
            },
          }
        : event,
    ),
  ),
  mutateTranscript(
    name("usage-from-start", "seconds count from the session's start", ["turn.usage-seconds"]),
    (events, turn) =>
      events.map((event) => {
        if (!isCompleted(event)) return event;
        const seconds = Number(readAt(event["usage"], ["seconds"])) + turn.session.bufferStartMs / 1000;
        return { ...event, usage: { type: "duration", seconds } };
      }),
  ),
  mutateRealtime(name("deaf", "no word is understood", WORDS), ({ hear }) => ({
    hear: (turn) => hear(turn).replaceAll(/[^ ]+/g, "mm"),
  })),
  mutateRealtime(
    name("detects-although-off", "speech is detected although detection is off", ["turn.only-commits"]),
    ({ append }) => ({
      append: (session, message, wire) => {
        const step = append(session, message, wire);
        const isOff = readAt(session.config, ["audio", "input", "turn_detection"]) === null;
        if (!isOff || session.buffer.length > 0 || step.session.buffer.every((byte) => byte === 0)) return step;
        return { ...step, events: [...step.events, startSpeech(session)] };
      },
    }),
  ),
];

function asEvent(type: string, fields: object): ServerEvent {
  return { ...fields, type };
}

function startSpeech(session: Session): ServerEvent {
  return { type: "input_audio_buffer.speech_started", audio_start_ms: 0, item_id: nextItem(session) };
}

const detection: readonly Mutant[] = [
  mutateSteps(name("no-speech-stopped", "the end of speech is not said", ["detection.events"]), (events) =>
    events.filter(({ type }) => type !== "input_audio_buffer.speech_stopped"),
  ),
  mutateSteps(
    name("committed-before-stopped", "a turn is committed before it has ended", ["detection.order"]),
    (events) => {
      const stopped = events.filter(({ type }) => type === "input_audio_buffer.speech_stopped");
      return [...events.filter((event) => !stopped.includes(event)), ...stopped];
    },
  ),
  mutateEvents(
    name("times-with-fractions", "times have fractions", ["detection.times", "turn.shape"]),
    "speech_started",
    (event) => ({ ...event, audio_start_ms: Number(event["audio_start_ms"]) + 0.5 }),
  ),
  mutateEvents(name("starts-late", "speech starts a second late", ["detection.start"]), "speech_started", (event) => ({
    ...event,
    audio_start_ms: Number(event["audio_start_ms"]) + 1200,
  })),
  mutateEvents(name("ends-early", "speech ends two seconds early", ["detection.end"]), "speech_stopped", (event) => ({
    ...event,
    audio_end_ms: Math.max(0, Number(event["audio_end_ms"]) - 1900),
  })),
  mutateRealtime(name("hears-silence", "long silence is speech", ["detection.silence"]), ({ detect }) => ({
    detect: (session, wire) => {
      const step = detect(session, wire);
      const isLong = session.buffer.length > 2 * 48_000 && session.buffer.every((byte) => byte === 0);
      return isLong && session.speaking === null ? { ...step, events: [startSpeech(session)] } : step;
    },
  })),
  mutateRealtime(name("pause-ignored", "every short pause ends a turn", ["detection.pause"]), ({ detect }) => ({
    detect: (session, wire) => {
      const path = ["audio", "input", "turn_detection"];
      const known = readAt(session.config, path);
      if (!isJsonObject(known) || Number(known["silence_duration_ms"]) <= 1000) return detect(session, wire);
      const patch = { audio: { input: { turn_detection: { silence_duration_ms: 400 } } } };
      const merged = wire.merge(session.config, patch);
      const step = detect({ ...session, config: isJsonObject(merged) ? merged : session.config }, wire);
      return { ...step, session: { ...step.session, config: session.config } };
    },
  })),
];

/** Changes what a commit that is too short comes to. */
function mutateCommit(
  id: string,
  description: string,
  intended: readonly string[],
  { isEmpty, change }: { readonly isEmpty: boolean; readonly change: (step: Step) => Step },
): Mutant {
  return mutateRealtime(name(id, description, intended), ({ refuseCommit }) => ({
    refuseCommit: (session, fault, message) => {
      const step = refuseCommit(session, fault, message);
      return (session.buffer.length === 0) === isEmpty ? change(step) : step;
    },
  }));
}

const recode = (step: Step): Step => ({
  ...step,
  events: [composeError({ code: "invalid_value", message: "There is too little audio." }, null)],
});

const buffers: readonly Mutant[] = [
  mutateCommit("empty-commit-silent", "an empty commit is passed over", ["buffer.empty-commit"], {
    isEmpty: true,
    change: (step) => ({ ...step, events: [] }),
  }),
  mutateCommit("empty-commit-closes", "an empty commit ends the session", ["buffer.empty-commit", "fault.then-turn"], {
    isEmpty: true,
    change: (step) => ({ ...step, close: { code: 1011, reason: "internal error" } }),
  }),
  mutateCommit("short-commit-silent", "a short commit is passed over", ["buffer.short-commit"], {
    isEmpty: false,
    change: (step) => ({ ...step, events: [] }),
  }),
  mutateCommit("empty-commit-recoded", "an empty commit has another code", ["buffer.empty-commit-code"], {
    isEmpty: true,
    change: recode,
  }),
  mutateCommit("short-commit-recoded", "a short commit has another code", ["buffer.short-commit-code"], {
    isEmpty: false,
    change: recode,
  }),
  mutateRealtime(name("clear-silent", "a clear is not answered", ["buffer.cleared"]), ({ clear }) => ({
    clear: (session, message, wire) => ({ ...clear(session, message, wire), events: [] }),
  })),
  mutateRealtime(name("clear-keeps", "a clear clears nothing", ["buffer.clear-drops"]), () => ({
    clear: (session) => ({ session, events: [{ type: "input_audio_buffer.cleared" }] }),
  })),
  mutateRealtime(name("append-acknowledged", "an append is acknowledged", ["buffer.append-silent"]), ({ append }) => ({
    append: (session, message, wire) => {
      const step = append(session, message, wire);
      return { ...step, events: [{ type: "input_audio_buffer.appended" }, ...step.events] };
    },
  })),
  mutateRealtime(
    name("large-append-refused", "an append has a tenth of a megabyte", ["buffer.pieces-whole"]),
    (wire) => ({
      decodeAudio: (audio) => (audio.length > 100_000 ? null : wire.decodeAudio(audio)),
    }),
  ),
  mutateRealtime(
    name("odd-append-refused", "half a sample is refused", ["buffer.pieces-odd", "buffer.pieces-bytes"]),
    (wire) => ({
      decodeAudio: (audio) => {
        const bytes = wire.decodeAudio(audio);
        return bytes === null || bytes.length % 2 === 1 ? null : bytes;
      },
    }),
  ),
  mutateRealtime(name("byte-refused", "a single byte is refused", ["buffer.pieces-bytes"]), (wire) => ({
    decodeAudio: (audio) => {
      const bytes = wire.decodeAudio(audio);
      return bytes === null || bytes.length === 1 ? null : bytes;
    },
  })),
  ...(["pcmu", "pcma"] as const).flatMap((format) => [
    mutateTranscript(
      name(`${format}-as-pcm`, `the length of ${format} is that of PCM`, [`format.${format}.length`]),
      (events, turn) =>
        events.map((event) =>
          isCompleted(event) && turn.format.type === `audio/${format}`
            ? { ...event, usage: { type: "duration", seconds: turn.audio.length / 48_000 } }
            : event,
        ),
    ),
    mutateRealtime(
      name(`${format}-not-understood`, `no word in ${format} is understood`, [`format.${format}.words`]),
      ({ hear }) => ({
        hear: (turn) => (turn.format.type === `audio/${format}` ? "mm mm" : hear(turn)),
      }),
    ),
  ]),
  mutateRealtime(name("invents", "silence has a text", ["buffer.silent-turn"]), ({ hear }) => ({
    hear: (turn) => (hear(turn) === "" ? "Thank you." : hear(turn)),
  })),
  mutateRealtime(name("deaf-after-error", "after an error nothing is heard", ["fault.then-turn"]), (wire) => ({
    refuseUnknown: (session, message) => {
      const step = wire.refuseUnknown(session, message);
      return { ...step, session: { ...session, config: { ...session.config, isSpoilt: true } } };
    },
    append: (session, message, own) =>
      session.config["isSpoilt"] === true
        ? fail(session, { code: "invalid_state", message: "The session has failed." }, message)
        : wire.append(session, message, own),
  })),
];

export const realtimeTurnMutants: readonly Mutant[] = [...laws, ...detection, ...buffers];
