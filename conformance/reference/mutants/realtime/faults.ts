/** Messages and frames that are dealt with as they must not be. */

import { FAULT_ROWS } from "../../../checks/realtime/faults.ts";
import { OPCODES, writeFrame } from "../../realtime/frames.ts";
import { parseMessage } from "../../realtime/define-realtime-wire.ts";
import type { Violation } from "../../realtime/realtime-wire.ts";
import type { Mutant } from "../mutant.ts";
import { mutateRealtime, mutateSteps, name } from "./mutate-realtime.ts";

const passedOver = FAULT_ROWS.map(({ slug, what, message }) => {
  const sent = typeof message === "string" ? message : JSON.stringify(message);
  return mutateSteps(
    name(`fault-${slug}-silent`, `${what} is passed over`, [`fault.${slug}`]),
    (events, { before, text }) => (before !== null && text === sent ? [] : events),
  );
});

/** By the violation that goes unnoticed, the check that finds out. */
const UNNOTICED: Readonly<Record<Violation, string>> = {
  unmasked: "unmasked",
  "reserved-bits": "reserved-bits",
  opcode: "unknown-opcode",
  "lost-fragment": "lost-fragment",
  "not-utf8": "invalid-utf8",
  "too-large": "too-large",
  binary: "binary",
};

const unnoticed = Object.entries(UNNOTICED).map(([violation, check]) =>
  mutateRealtime(
    name(`${check}-unnoticed`, `${violation}: it goes on as if nothing had happened`, [`frame.${check}`]),
    (wire) => ({ violation: (given) => (given === violation ? null : wire.violation(given)) }),
  ),
);

export const realtimeFaultMutants: readonly Mutant[] = [
  ...passedOver,
  ...unnoticed,
  mutateRealtime(
    name("malformed-closes", "a message that is no JSON ends the session", ["fault.malformed-json"]),
    ({ step }) => ({
      step: (given, before, text) => {
        const isIt = text.startsWith('{"type":') && text.endsWith('"audio":');
        const close = { code: 1011, reason: "internal error" };
        return isIt ? { ...step(given, before, text), close } : step(given, before, text);
      },
    }),
  ),
  mutateRealtime(
    name("flat-error", "an error has its details beside its type", ["fault.shape", "fault.sdk"]),
    ({ stamp }) => ({
      stamp: (event, place) => {
        const { error } = event;
        const isIt = event.type === "error" && JSON.stringify(error).includes("unknown_event");
        return isIt
          ? stamp({ type: "error", message: "There is no such event.", code: 404 }, place)
          : stamp(event, place);
      },
    }),
  ),
  mutateSteps(name("error-of-nobody", "an error names no event", ["fault.event-id"]), (events) =>
    events.map((event) => {
      const { error } = event;
      if (event.type !== "error" || typeof error !== "object") return event;
      return { ...event, error: { ...error, event_id: null } };
    }),
  ),
  mutateRealtime(name("response-promised", "an answer is promised and none comes", ["fault.response-create"]), () => ({
    refuseResponse: (session) => ({ session, events: [] }),
  })),
  mutateRealtime(
    name("last-fragment-only", "only the last frame of a message is read", ["frame.fragments", "frame.ping-between"]),
    () => ({ join: (fragments) => fragments.at(-1) ?? Buffer.alloc(0) }),
  ),
  mutateRealtime(name("ping-cuts-message", "a ping ends the message around it", ["frame.ping-between"]), (wire) => {
    let isCut = false;
    return {
      pong: (payload) => {
        isCut = payload.toString() === "between";
        return wire.pong(payload);
      },
      join: (fragments) => (isCut ? (fragments.at(-1) ?? Buffer.alloc(0)) : wire.join(fragments)),
    };
  }),
  mutateRealtime(name("pong-empty", "a pong is empty", ["frame.pong"]), () => ({
    pong: () => writeFrame(OPCODES.pong, Buffer.alloc(0)),
  })),
  mutateRealtime(name("no-pong", "a ping is not answered", ["frame.pong", "frame.ping-between"]), () => ({
    pong: () => null,
  })),
  mutateRealtime(name("flood-kills", "after a hundred mistakes no session begins", ["abuse.flood"]), (wire) => {
    let mistakes = 0;
    return {
      parse: (text) => {
        const message = wire.parse(text);
        if (message === null) mistakes += 1;
        return message;
      },
      open: (opening) => {
        const step = wire.open(opening);
        return mistakes > 100 ? { ...step, events: [] } : step;
      },
    };
  }),
  mutateRealtime(name("loss-keeps-slot", "who vanishes keeps a slot for ever", ["abuse.disconnect"]), (wire) => {
    let lost = 0;
    return {
      lost: (unreadBytes) => {
        if (unreadBytes > 0) lost += 1;
      },
      open: (opening) => {
        const step = wire.open(opening);
        return lost > 2 ? { ...step, events: [] } : step;
      },
    };
  }),
  mutateRealtime(name("items-shared", "items of sessions have the same ids", ["abuse.parallel"]), ({ stamp }) => ({
    stamp: (event, place) => {
      const stamped = JSON.stringify(stamp(event, place)).replaceAll(/item_\d+x/g, "item_x");
      return parseMessage(stamped) ?? {};
    },
  })),
];
