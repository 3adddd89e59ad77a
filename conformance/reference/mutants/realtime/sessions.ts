/** Sessions that say something wrong of themselves, or take what they must refuse. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import { fail } from "../../realtime/handlers.ts";
import { mergeDeeply, readAt } from "../../realtime/session.ts";
import { type Mutant, omit } from "../mutant.ts";
import { mutateEvents, mutateRealtime, name } from "./mutate-realtime.ts";

/** Changes the session that an event holds. */
function mutateSession(
  id: string,
  description: string,
  intended: readonly string[],
  { of, change }: { readonly of: string; readonly change: (session: JsonObject) => JsonObject },
): Mutant {
  return mutateEvents(name(id, description, intended), of, (event) => {
    const { session } = event;
    return isJsonObject(session) ? { ...event, session: change(session) } : event;
  });
}

/** Replaces one value of the configuration that is echoed. */
function put(session: JsonObject, path: readonly string[], value: unknown): JsonObject {
  const [first = "", ...rest] = path;
  const inner = session[first];
  return { ...session, [first]: rest.length === 0 ? value : put(isJsonObject(inner) ? inner : {}, rest, value) };
}

const INPUT = ["audio", "input"];

const echoes: readonly Mutant[] = [
  mutateRealtime(
    name("begins-with-limits", "a session begins with its limits", ["session.created-first"]),
    ({ open }) => ({
      open: (opening) => {
        const step = open(opening);
        return { ...step, events: [{ type: "rate_limits.updated", rate_limits: [] }, ...step.events] };
      },
    }),
  ),
  mutateRealtime(
    name("begins-when-asked", "a session says nothing before the client does", ["session.created-first"]),
    () => ({ holds: ({ type }) => type === "session.created" }),
  ),
  ...(["transcription", "realtime"] as const).map((kind) =>
    mutateSession(
      `${kind}-as-other`,
      `a session of the kind ${kind} says that it is another`,
      [`session.kind-${kind}`],
      {
        of: "session.created",
        change: (session) =>
          session["type"] === kind ? { ...session, type: kind === "realtime" ? "transcription" : "realtime" } : session,
      },
    ),
  ),
  mutateSession("no-session-id", "a session has no id", ["session.id"], {
    of: "session.created",
    change: (session) => omit(session, "id"),
  }),
  mutateSession("session-id-changes", "a session gets another id with an update", ["session.id"], {
    of: "session.updated",
    change: (session) => ({ ...session, id: `${String(session["id"])}u` }),
  }),
  mutateSession("expires-in-1970", "a session ended long ago", ["session.expires-at"], {
    of: "session.created",
    change: (session) => ({ ...session, expires_at: 0 }),
  }),
  mutateRealtime(name("beta-updated", "an update is answered as the beta did", ["session.updated"]), ({ update }) => ({
    update: (session, message, wire) => {
      const step = update(session, message, wire);
      const rename = (type: string): string => (type === "session.updated" ? `transcription_${type}` : type);
      return { ...step, events: step.events.map((event) => ({ ...event, type: rename(event.type) })) };
    },
  })),
  mutateSession("language-not-echoed", "the language is missing in the echo", ["session.echo"], {
    of: "session.updated",
    change: (session) => put(session, [...INPUT, "transcription", "language"], null),
  }),
  mutateRealtime(name("merges-shallowly", "an update replaces what it touches", ["session.deep-merge"]), () => ({
    merge: (known, patch) => {
      const detection = readAt(patch, [...INPUT, "turn_detection"]);
      const merged = mergeDeeply(known, patch);
      return isJsonObject(detection) && isJsonObject(merged)
        ? put(merged, [...INPUT, "turn_detection"], detection)
        : merged;
    },
  })),
  mutateRealtime(
    name("null-not-echoed", "detection that is off is echoed as on", ["session.detection-off"]),
    (wire) => ({
      update: (session, message) => {
        const step = wire.update(session, message, wire);
        if (readAt(message, ["session", ...INPUT, "turn_detection"]) !== null) return step;
        const known = readAt(session.config, [...INPUT, "turn_detection"]);
        return { ...step, events: step.events.map((event) => keepDetection(event, known)) };
      },
    }),
  ),
];

function keepDetection<T extends JsonObject>(event: T, known: unknown): T {
  const { session } = event;
  return isJsonObject(session) ? { ...event, session: put(session, [...INPUT, "turn_detection"], known) } : event;
}

/** What an update asks for by these is refused without a name. */
const REFUSED_OPTIONS: readonly { readonly slug: string; readonly words: readonly string[] }[] = [
  { slug: "noise-reduction", words: ["noise_reduction"] },
  { slug: "logprobs", words: ["include"] },
  { slug: "prompt", words: ["prompt"] },
  { slug: "semantic-detection", words: ["semantic_vad"] },
  { slug: "voice", words: ["instructions"] },
];

/** Messages that are too deep to be written mention nothing. */
function mentions(message: JsonObject, word: string): boolean {
  try {
    return JSON.stringify(message).includes(word);
  } catch {
    return false;
  }
}

const refusing = REFUSED_OPTIONS.map(({ slug, words }) =>
  mutateRealtime(name(`refuses-${slug}`, `${slug} is refused`, [`session.accepts-${slug}`]), ({ update }) => ({
    update: (session, message, wire) =>
      words.some((word) => mentions(message, word))
        ? fail(session, { code: "invalid_value", message: "No." }, message)
        : update(session, message, wire),
  })),
);

/** Rules that are dropped, by the check that finds out. */
const DROPPED: Readonly<Record<string, string>> = {
  type: "refuses-no-type",
  fixed: "refuses-other-type",
  unknown: "refuses-unknown-parameter",
  format: "refuses-unknown-format",
  detection: "refuses-unknown-detection",
  silence: "refuses-negative-silence",
  threshold: "refuses-threshold-beyond-one",
  language: "refuses-language-number",
  model: "refuses-unknown-model",
};

const lenient = Object.entries(DROPPED).map(([rule, check]) =>
  mutateRealtime(
    name(`lenient-${rule}`, `updates are not refused for their ${rule}`, [`session.${check}`]),
    ({ updateRules }) => ({ updateRules: { ...updateRules, [rule]: () => null } }),
  ),
);

export const realtimeSessionMutants: readonly Mutant[] = [
  ...echoes,
  ...refusing,
  ...lenient,
  mutateRealtime(
    name("half-applied", "what is right in a refused update is applied", ["session.refused-changes-nothing"]),
    ({ update }) => ({
      update: (session, message, wire) => {
        const step = update(session, message, wire);
        const language = readAt(message, ["session", ...INPUT, "transcription", "language"]);
        if (step.events[0]?.type !== "error" || language !== "de") return step;
        const config = put(session.config, [...INPUT, "transcription", "language"], language);
        return { ...step, session: { ...session, config } };
      },
    }),
  ),
  mutateRealtime(name("rate-passed-over", "another sample rate is passed over", ["format.rate"]), ({ update }) => ({
    update: (session, message, wire) => {
      if (readAt(message, ["session", ...INPUT, "format", "rate"]) !== 16_000) return update(session, message, wire);
      const { session: patch } = message;
      const kept = put(isJsonObject(patch) ? patch : {}, [...INPUT, "format", "rate"], 24_000);
      return update(session, { ...message, session: kept }, wire);
    },
  })),
];
