/** Servers whose WebSocket for responses is open to all, forgetful, or at odds with their streams. */

import { MISTAKES } from "../../../checks/responses/socket.ts";
import type { JsonObject } from "../../../src/expect.ts";
import {
  parseMessage,
  type ResponseSocketWire,
  type SocketConnection,
  type SocketStep,
} from "../../response-socket/socket-wire.ts";
import type { CredentialVerdict } from "../../tokens.ts";
import { type Mutant, type Naming, omit } from "../mutant.ts";

/** Ids of checks without what they have in common. */
function name(id: string, description: string, intended: readonly string[]): Naming {
  return { id: `responses.socket.${id}`, description, intended: intended.map((check) => `responses.socket.${check}`) };
}

function mutateSocket(naming: Naming, change: (wire: ResponseSocketWire) => Partial<ResponseSocketWire>): Mutant {
  return { ...naming, mutate: ({ responseSocket: wire }) => ({ responseSocket: { ...wire, ...change(wire) } }) };
}

function mutateAnswer(
  naming: Naming,
  change: (step: SocketStep, text: string, connection: SocketConnection) => Partial<SocketStep>,
): Mutant {
  return mutateSocket(naming, ({ answer }) => ({
    answer(text, connection) {
      const step = answer(text, connection);
      return { ...step, ...change(step, text, connection) };
    },
  }));
}

/** Changes each message of the server; null leaves it out. */
function mutateMessages(naming: Naming, change: (message: JsonObject) => JsonObject | null): Mutant {
  return mutateAnswer(naming, ({ messages }) => ({ messages: messages.map(change).filter((given) => given !== null) }));
}

/** Changes what a message asks for. */
function mutateRequest(naming: Naming, change: (message: JsonObject) => JsonObject): Mutant {
  return mutateSocket(naming, ({ answer }) => ({
    answer(text, connection) {
      const message = parseMessage(text);
      return answer(message === null ? text : JSON.stringify(change(message)), connection);
    },
  }));
}

function admitAlso(verdict: CredentialVerdict): Mutant {
  return mutateSocket(
    name(`admits-${verdict}`, `${verdict}: it may open a connection`, [`auth.${verdict}`]),
    (wire) => ({
      admit: (given) => (given === verdict ? null : wire.admit(given)),
    }),
  );
}

const isError = ({ type }: JsonObject): boolean => type === "error";
const isLast = ({ type }: JsonObject): boolean => type === "response.completed" || type === "response.incomplete";
const changeResponse = (message: JsonObject, change: (response: object) => object): JsonObject =>
  isLast(message) ? { ...message, response: change(Object(message["response"])) } : message;

const REFUSALS = [...MISTAKES.map(({ slug }) => `refuses.${slug}`), "unknown-previous"];

/** By the mistake, how its message is told from all others. */
const SIGNS: Readonly<Record<string, (text: string) => boolean>> = {
  "not-json": (text) => parseMessage(text) === null,
  "unknown-type": (text) => parseMessage(text)?.["type"] === "conformance.create",
  "input-type": (text) => parseMessage(text)?.["input"] === 7,
  "unknown-model": (text) => parseMessage(text)?.["model"] === "conformance-no-such-model",
};

const mistaken = Object.entries(SIGNS).flatMap(([slug, isIt]) => [
  mutateAnswer(name(`${slug}-silent`, "the mistake is passed over", [`refuses.${slug}`]), (step, text) =>
    isIt(text) ? { messages: [] } : step,
  ),
  mutateAnswer(name(`${slug}-closes`, "the mistake ends the connection", [`refuses.${slug}`]), (step, text) =>
    isIt(text) ? { closes: true } : step,
  ),
]);

export const responseSocketMutants: readonly Mutant[] = [
  ...mistaken,
  admitAlso("missing"),
  admitAlso("unknown-key"),
  admitAlso("expired"),
  admitAlso("no-capability"),
  mutateSocket(name("free-of-charge", "an account without credits is answered", ["no-credit"]), () => ({
    covers: () => true,
  })),
  mutateRequest(name("always-generates", "`generate: false` is ignored", ["prepares"]), (message) =>
    omit(message, "generate"),
  ),
  mutateAnswer(name("prepares-nothing", "what was prepared is forgotten", ["prepares"]), ({ last }, text) =>
    parseMessage(text)?.["generate"] === false && last !== null ? { last: { ...last, items: [] } } : {},
  ),
  mutateMessages(name("without-lane", "events do not say whose they are", ["stream-id"]), (message) =>
    omit(message, "stream_id"),
  ),
  mutateMessages(name("lane-of-all", "every event carries a `stream_id`", ["stream-id"]), (message) => ({
    stream_id: "default",
    ...message,
  })),
  mutateSocket(name("wrong-accept", "the key of the handshake is sent back as it is", ["opens"]), () => ({
    accept: (key) => key,
  })),
  mutateMessages(name("no-created", "response.created is left out", ["events"]), (message) =>
    message["type"] === "response.created" ? null : message,
  ),
  mutateMessages(name("no-numbers", "events are not numbered", ["events"]), (message) =>
    omit(message, "sequence_number"),
  ),
  mutateAnswer(name("part-late", "a part begins after its text", ["events"]), ({ messages }) => {
    const at = messages.findIndex(({ type }) => type === "response.content_part.added");
    const [part, next] = messages.slice(at, at + 2);
    if (at === -1 || part === undefined || next === undefined) return {};
    const numbered = [next, part].map((message, index) => ({ ...message, sequence_number: at + index }));
    return { messages: messages.toSpliced(at, 2, ...numbered) };
  }),
  mutateMessages(name("no-end", "a response has no last event", ["whole-end"]), (message) =>
    isLast(message) ? null : message,
  ),
  mutateMessages(name("empty-end", "the last event has no output", ["whole-end"]), (message) =>
    changeResponse(message, (response) => ({ ...response, output: [] })),
  ),
  mutateMessages(name("no-usage", "the last event has no usage", ["usage"]), (message) =>
    changeResponse(message, (response) => ({ ...response, usage: null })),
  ),
  mutateAnswer(name("one-turn", "only the first message is answered", ["second-turn"]), (step, _, { answers, last }) =>
    answers > 0 && last !== null ? { messages: [] } : step,
  ),
  mutateAnswer(name("forgets", "what is not stored is forgotten at once", ["goes-on", "prepares"]), () => ({
    last: null,
  })),
  mutateRequest(
    name("ignores-previous", "`previous_response_id` is ignored", [
      "goes-on",
      "unknown-previous",
      "other-account",
      "prepares",
    ]),
    (message) => omit(message, "previous_response_id"),
  ),
  mutateMessages(
    name("error-without-code", "an unknown id has the code of any mistake", ["unknown-previous"]),
    (message) =>
      JSON.stringify(message).includes("previous_response_not_found")
        ? { ...message, error: { ...Object(message["error"]), code: "invalid_value" } }
        : message,
  ),
  mutateAnswer(
    name("unknown-previous-closes", "an unknown id ends the connection", ["unknown-previous"]),
    ({ messages }) => ({
      closes: JSON.stringify(messages).includes("previous_response_not_found"),
    }),
  ),
  mutateMessages(name("error-without-status", "an error has no status", REFUSALS), (message) =>
    isError(message) ? omit(message, "status") : message,
  ),
  mutateMessages(name("flat-error", "an error has its details beside its type", REFUSALS), (message) =>
    isError(message) ? { ...omit(message, "error"), ...Object(message["error"]), type: "error" } : message,
  ),
  mutateSocket(name("one-store-for-all", "any account goes on from a response", ["other-account"]), ({ answer }) => ({
    answer: (text, connection) => answer(text, { ...connection, account: "everybody" }),
  })),
];
