/**
 * Each message of a client: ignored, refused, answered with an error of the server, or the end of the connection; and
 * each parameter of an update: ignored, refused, or the end of the connection, for any value and for those of each type
 * that it does not have.
 */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import { realtimeClientEventSchema } from "@openai-compat/spec";
import { JSON_TYPES, type JsonType } from "../../../checks/support/plain-requests.ts";
import { REALTIME_PARAMETERS, type RealtimeParameter } from "../../../checks/support/realtime-parameters.ts";
import { fail } from "../../realtime/handlers.ts";
import { composeError, readAt, type Session, type Step } from "../../realtime/session.ts";
import { UPDATE_RULES } from "../../realtime/update-rules.ts";
import type { Fault } from "../fault.ts";
import { ABSENT, changePlace } from "../paths.ts";
import { typeOf } from "../wire-shape.ts";
import { BROKEN_CLOSE, breakConnection, closeWith, defineRealtimeFault } from "./realtime-fault.ts";

interface Outcome {
  /** Whether it is a fault of messages that are answered, or of those that are refused. */
  readonly of: "answers" | "refusals" | "both";
  readonly change: (step: Step, before: Session, message: JsonObject) => Step;
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  ignored: { of: "both", change: (_, session) => ({ session, events: [] }) },
  refused: {
    of: "answers",
    change: (_, session, message) => fail(session, { code: "invalid_value", message: "Not now." }, message),
  },
  "answered-by-server-error": {
    of: "both",
    change: (_, session, message) => {
      const event = composeError({ code: "internal_error", message: "Something went wrong." }, message["event_id"]);
      const error = isJsonObject(event["error"]) ? event["error"] : {};
      return { session, events: [{ ...event, error: { ...error, type: "server_error" } }] };
    },
  },
  closes: { of: "both", change: closeWith },
  "closes-normally": {
    of: "both",
    change: (step) => ({ ...step, events: [], close: { code: 1000, reason: "" } }),
  },
  "closes-after-its-answer": { of: "both", change: (step) => ({ ...step, close: BROKEN_CLOSE }) },
  breaks: { of: "both", change: breakConnection },
};

/** Documented, made up, and none at all. */
const MESSAGE_TYPES: readonly string[] = [
  ...realtimeClientEventSchema.options.map(({ shape }) => shape.type.value),
  "transcription_session.update",
  "other",
  "none",
  "no-json",
];

function typeOfMessage(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    if (!isJsonObject(value)) return "no-json";
    const { type } = value;
    if (typeof type !== "string") return "none";
    return MESSAGE_TYPES.includes(type) ? type : "other";
  } catch {
    return "no-json";
  }
}

function readMessage(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : {};
  } catch {
    return {};
  }
}

const isRefusal = ({ events }: Step): boolean => events.some(({ type }) => type === "error");

export function listClientEventFaults(): readonly Fault[] {
  return MESSAGE_TYPES.flatMap((type) =>
    Object.entries(OUTCOMES).flatMap(([name, { of, change }]) =>
      (["answers", "refusals"] as const)
        .filter((mode) => of === "both" || of === mode)
        .filter((mode) => (mode === "refusals" ? type !== CLEAR : isAnswered(type)))
        .map((mode) =>
          defineRealtimeFault(
            {
              id: `client.${type}.${mode}.${name}`,
              description: `${mode === "answers" ? "a valid" : "a refused"} ${type} is ${name}`,
              operator: `client ${name}`,
            },
            () => ({
              step: (step, before, text) =>
                before !== null && typeOfMessage(text) === type && isRefusal(step) === (mode === "refusals")
                  ? change(step, before, readMessage(text))
                  : step,
            }),
          ),
        ),
    ),
  );
}

/** Nothing is wrong with it, ever. */
const CLEAR = "input_audio_buffer.clear";

function isAnswered(type: string): boolean {
  return type === "session.update" || type.startsWith("input_audio_buffer.");
}

/** A demand on an update that is not made, or that ends the connection. */
export function listUpdateRuleFaults(): readonly Fault[] {
  return Object.entries(UPDATE_RULES).flatMap(([name, rule]) => [
    defineRealtimeFault(
      {
        id: `rule.${name}.dropped`,
        description: `an update need not follow the rule ${name}`,
        operator: "rule dropped",
      },
      ({ updateRules }) => ({ updateRules: { ...updateRules, [name]: () => null } }),
    ),
    defineRealtimeFault(
      { id: `rule.${name}.breaks`, description: `an update against the rule ${name} breaks`, operator: "rule breaks" },
      ({ updateRules }) => ({
        updateRules: { ...updateRules, [name]: (...given) => (rule(...given) === null ? null : breakConnection()) },
      }),
    ),
  ]);
}

type UpdateChange = (session: JsonObject, value: unknown) => JsonObject | "refuse" | "break" | null;

export function listUpdateParameterFaults(): readonly Fault[] {
  return REALTIME_PARAMETERS.flatMap((parameter) => {
    const { path, types } = parameter;
    const drop: UpdateChange = (session) => {
      const changed = changePlace(session, path, () => ABSENT);
      return isJsonObject(changed) ? changed : session;
    };
    const wrong = JSON_TYPES.filter((type) => !types.includes(type));
    return [
      defineParameterFault(parameter, "ignored", drop),
      { ...defineParameterFault(parameter, "refused", () => "refuse"), isRefusal: true },
      defineParameterFault(parameter, "breaks", () => "break"),
      ...wrong.map((type: JsonType) =>
        defineParameterFault(parameter, `${type}-breaks`, (_, value) => (typeOf(value) === type ? "break" : null)),
      ),
    ];
  });
}

function defineParameterFault({ path }: RealtimeParameter, operator: string, change: UpdateChange): Fault {
  return defineRealtimeFault(
    {
      id: `parameter.${path}.${operator}`,
      description: `\`${path}\` of an update: ${operator}`,
      operator: `parameter ${operator.replace(/^\w+-breaks$/, "wrong-type-breaks")}`,
    },
    ({ update }) => ({
      update: (session, message, wire) => {
        const patch = message["session"];
        const value = readAt(patch, path.split("."));
        if (!isJsonObject(patch) || value === undefined) return update(session, message, wire);
        const changed = change(patch, value);
        if (changed === "break") return breakConnection();
        if (changed === "refuse") {
          return fail(session, { code: "invalid_value", message: "Not supported.", param: `session.${path}` }, message);
        }
        return update(session, changed === null ? message : { ...message, session: changed }, wire);
      },
    }),
  );
}
