/** Checks of turn detection: when speech begins and ends, by the clock of the audio, and that only speech is a turn. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { PCM, SPEECH_MS, SPOKEN_MS, silenceOf } from "../support/realtime-audio.ts";
import {
  COMPLETED,
  describeConnection,
  expectOn,
  isAlive,
  openConfigured,
  REALTIME,
  sendAudio,
  SERVER_VAD,
} from "../support/realtime-calls.ts";
import {
  describeRecord,
  LEAD_MS,
  PAUSE_MS,
  recordOf,
  type RecordName,
  requireTranscribed,
  requireTurns,
  requireUpdates,
  type SessionRecord,
  TURN_MS,
  type TurnRecord,
} from "../support/realtime-records.ts";
import { OWNERS } from "../support/owners.ts";

const DETECTION = {
  ...REALTIME,
  reference:
    "OpenAPI RealtimeServerEventInputAudioBufferSpeechStarted; RealtimeServerEventInputAudioBufferSpeechStopped",
} as const;

/** Where detectors differ by right: they listen to windows, and smooth. */
const TOLERANCE_MS = 450;
const DETECTED: readonly RecordName[] = ["detected", "model-detected"];
const SILENCE_MS = 1200;

type Look = (turn: TurnRecord, place: { readonly record: SessionRecord; readonly index: number }) => void;

/** Each turn of each session with detection. @throws Inconclusive where there is none */
async function eachTurn(context: CheckContext, look: Look): Promise<void> {
  for (const name of DETECTED) {
    const record = await recordOf(context, name);
    for (const [index, turn] of requireTurns(record).entries()) look(turn, { record, index });
  }
}

function timeOf(turn: TurnRecord, name: "started" | "stopped"): unknown {
  return turn[name]?.value[name === "started" ? "audio_start_ms" : "audio_end_ms"];
}

/** @throws Inconclusive */
function requireTime(turn: TurnRecord, name: "started" | "stopped"): number {
  const time = timeOf(turn, name);
  if (typeof time === "number") return time;
  throw new Inconclusive(`there is no time of speech_${name}, which another check judges`, OWNERS.liveDetectionTimes);
}

export const realtimeDetectionChecks: readonly Check[] = [
  defineCheck({
    ...DETECTION,
    id: "realtime.detection.events",
    requirement: "A detected turn has its `speech_started` and `speech_stopped`, by the id of its item.",
    breaks: "Clients stop playback, show who speaks and start their clocks by these; vllm-project/vllm-omni#5867.",
    async run(context) {
      await eachTurn(context, ({ started, stopped, itemId }, { record }) => {
        const holds = started !== undefined && stopped !== undefined;
        const actual = `${itemId}: ${describeRecord(record)}`;
        expectOn(record, holds, {
          observer: "wire",
          expected: "speech_started and speech_stopped of the item",
          actual,
        });
      });
    },
  }),
  defineCheck({
    ...DETECTION,
    id: "realtime.detection.order",
    requirement: "Speech starts, stops, and is committed, in this order.",
    breaks: "Clients that wait for the end of speech before they read the item wait for ever.",
    async run(context) {
      await eachTurn(context, ({ started, stopped, committed }, { record }) => {
        if (started === undefined || stopped === undefined || committed === undefined) {
          throw new Inconclusive("an event is missing, which another check judges", OWNERS.liveDetection);
        }
        const holds = started.at < stopped.at && stopped.at < committed.at;
        const actual = describeRecord(record);
        expectOn(record, holds, { observer: "wire", expected: "started, stopped, committed", actual });
      });
    },
  }),
  defineCheck({
    ...DETECTION,
    id: "realtime.detection.times",
    requirement: "The times of speech are whole milliseconds of the session's audio, and never go back.",
    reference: "OpenAPI RealtimeServerEventInputAudioBufferSpeechStarted.audio_start_ms: since the session's start",
    breaks: "Subtitles and recordings are cut at the wrong places.",
    async run(context) {
      const ends = new Map<string, number>();
      await eachTurn(context, (turn, { record }) => {
        const { started, stopped } = turn;
        if (started === undefined || stopped === undefined)
          throw new Inconclusive("an event is missing", OWNERS.liveDetection);
        const [start, end] = [timeOf(turn, "started"), timeOf(turn, "stopped")];
        const areWhole = Number.isInteger(start) && Number.isInteger(end) && Number(start) >= 0;
        const holds = areWhole && Number(start) >= (ends.get(record.name) ?? 0) && Number(end) >= Number(start);
        const expected = `integers from ${ends.get(record.name) ?? 0} on, the start first`;
        expectOn(record, holds, { observer: "wire", expected, actual: JSON.stringify([start, end]) });
        ends.set(record.name, Number(end));
      });
    },
  }),
  defineCheck({
    ...DETECTION,
    id: "realtime.detection.start",
    level: "should",
    requirement: "`audio_start_ms` is where somebody begins to speak, less the padding before it.",
    breaks: "Recordings that are cut there begin in the middle of a word, or with the turn before.",
    async run(context) {
      await eachTurn(context, (turn, { record, index }) => {
        const speaksMs = LEAD_MS + index * TURN_MS + SPEECH_MS.start;
        const start = requireTime(turn, "started");
        const [least, most] = [speaksMs - SERVER_VAD.prefix_padding_ms - TOLERANCE_MS, speaksMs + TOLERANCE_MS];
        const holds = start >= least && start <= most;
        const actual = `${start} of turn ${index + 1}`;
        expectOn(record, holds, { observer: "wire", expected: `${least} to ${most} ms`, actual });
      });
    },
  }),
  defineCheck({
    ...DETECTION,
    id: "realtime.detection.end",
    level: "should",
    requirement: "`audio_end_ms` is where nobody speaks any more, with the pause after it or without.",
    breaks: "Recordings that are cut there lose the last word, or have the next turn's first.",
    async run(context) {
      await eachTurn(context, (turn, { record, index }) => {
        const beginsMs = LEAD_MS + index * TURN_MS;
        const end = requireTime(turn, "stopped");
        const least = beginsMs + SPEECH_MS.end - TOLERANCE_MS;
        const most = beginsMs + SPOKEN_MS + SERVER_VAD.silence_duration_ms + TOLERANCE_MS;
        const actual = `${end} of turn ${index + 1}`;
        expectOn(record, end >= least && end <= most, { observer: "wire", expected: `${least} to ${most} ms`, actual });
      });
    },
  }),
  defineCheck({
    ...DETECTION,
    id: "realtime.detection.silence",
    level: "should",
    requirement: "Silence is no turn: nothing is detected in it.",
    breaks: "A muted microphone fills the page with invented sentences, and is billed for them.",
    async run(context) {
      const connection = await openConfigured(context, { detection: SERVER_VAD });
      sendAudio(connection, silenceOf(SILENCE_MS + PAUSE_MS));
      await isAlive(context, connection);
      const types = connection.events.map(({ value }) => String(value["type"]));
      const holds = !types.some((type) => type.includes("speech_") || type.endsWith("committed"));
      const actual = describeConnection(connection);
      expectOn(connection, holds, { observer: "wire", expected: "no turn", actual });
    },
  }),
  defineCheck({
    ...DETECTION,
    id: "realtime.detection.pause",
    level: "should",
    requirement: "A pause shorter than `silence_duration_ms` does not end a turn.",
    breaks: "Sentences are torn apart wherever somebody takes a breath.",
    async run(context) {
      await requireTranscribed(context);
      const detection = { ...SERVER_VAD, silence_duration_ms: 2000 };
      const connection = await openConfigured(context, { detection });
      sendAudio(connection, PCM.spoken);
      sendAudio(connection, silenceOf(700));
      sendAudio(connection, PCM.spoken);
      sendAudio(connection, silenceOf(3000));
      const isOver = (): boolean => connection.events.some(({ value }) => value["type"] === COMPLETED);
      if (!(await connection.until(isOver, context.patienceMs))) {
        throw new Inconclusive("there is no completed turn, which another check judges", OWNERS.liveCompleted);
      }
      const starts = connection.events.filter(({ value }) => value["type"] === "input_audio_buffer.speech_started");
      const actual = `${starts.length} turns`;
      expectOn(connection, starts.length <= 1, { observer: "wire", expected: "1 turn", actual });
    },
  }),
  defineCheck({
    ...REALTIME,
    id: "realtime.turn.only-commits",
    requirement: "With `turn_detection: null` a turn ends by a commit alone: no speech is detected, whatever is heard.",
    reference: "OpenAPI RealtimeTurnDetection: null; livekit/agents#1347",
    breaks: "Push-to-talk clients get turns that they did not end, and texts that are cut.",
    async run(context) {
      const record = await recordOf(context, "manual");
      requireUpdates(record);
      const types = record.events.map(({ value }) => String(value["type"]));
      const detected = types.filter((type) => type.startsWith("input_audio_buffer.speech_"));
      expectOn(record, detected.length === 0, {
        observer: "wire",
        expected: "no speech_* event",
        actual: detected.join(", "),
      });
    },
  }),
];
