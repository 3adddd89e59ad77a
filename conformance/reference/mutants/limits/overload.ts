/** Servers that many calls at once, or a large body, bring down. */

import { setTimeout as sleep } from "node:timers/promises";
import { BILLED_CALLS } from "../../../checks/support/billed-calls.ts";
import { waitForQuiet } from "../../accounts.ts";
import { SLOW_MODEL } from "../../models.ts";
import { readCredential, OTHER_ACCOUNT } from "../../tokens.ts";
import type { ReferenceCall, Reply } from "../../call.ts";
import {
  isChat,
  type Mutant,
  mutateRefusal,
  mutateReply,
  oneWrite,
  parseSent,
  withHeader,
  withoutHeader,
} from "../mutant.ts";

/** More concurrent calls than any check sends except a burst. */
const BURST_CALLS_MIN = 10;
/** Small chats wait for others so long: not much, because some checks send several. */
const BURST_MOMENT_MS = 50;
/** Longer than what counts as at once. */
const LATE_MS = 5000;

/** Answers small chats otherwise while there are many of them. */
function breakInBurst(
  id: string,
  description: string,
  intended: string,
  change: (reply: Reply) => Partial<Reply>,
): Mutant {
  const isSmall = (call: ReferenceCall): boolean => isChat(call) && parseSent(call)["max_tokens"] === 1;
  return {
    id,
    description,
    intended: [intended],
    mutate: () => {
      let present = 0;
      let arrivals = 0;
      return {
        admission: async (call) => {
          if (!isSmall(call)) return;
          present += 1;
          arrivals += 1;
          await waitForQuiet(() => arrivals, BURST_MOMENT_MS);
        },
        reply: (reply, call) => {
          if (!isSmall(call)) return reply;
          present -= 1;
          return present >= BURST_CALLS_MIN && reply.status === 200 ? { ...reply, ...change(reply) } : reply;
        },
      };
    },
  };
}

/** One check asks each of them; chat has more. */
const OTHER_OPERATIONS = BILLED_CALLS.filter(({ slug }) => slug !== "chat");

const ENVELOPE = '{"error":{"message":"Too many calls.","type":"rate_limit_error","param":null,"code":null}}';

function isTurnedAway(reply: Reply, call: ReferenceCall): boolean {
  const { model, stream } = parseSent(call);
  return reply.status === 429 && isChat(call) && model === SLOW_MODEL && stream !== true;
}

/** Keeps another account waiting once a call for which `when` holds has come. */
function shutOut(id: string, description: string, intended: string, when: (call: ReferenceCall) => boolean): Mutant {
  return {
    id,
    description,
    intended: [intended],
    mutate: () => {
      let isShut = false;
      const isOther = ({ headers }: ReferenceCall): boolean =>
        readCredential(headers.authorization, /^bearer$/i).account === OTHER_ACCOUNT;
      return {
        admission: async (call) => {
          isShut ||= when(call);
          if (isShut && isOther(call)) await new Promise(() => {});
        },
      };
    },
  };
}

export const limitMutants: readonly Mutant[] = [
  shutOut(
    "fairness.stalled-reader",
    "streams that are not read stop the model for all callers",
    "limits.stalled-reader.others-served",
    (call) => parseSent(call)["model"] === SLOW_MODEL && parseSent(call)["max_tokens"] === 500,
  ),
  shutOut(
    "fairness.burst",
    "the choices of one call are all made before another account's",
    "limits.burst.others-served",
    (call) => parseSent(call)["n"] === 128,
  ),
  {
    id: "overload.models-wait",
    description: "the list of models waits for the chats",
    intended: ["limits.overload.models-answer"],
    mutate: ({ slots }) => {
      let taken = 0;
      let takes = 0;
      return {
        slots: {
          ...slots,
          take: (model) => {
            const isTaken = slots.take(model);
            if (isTaken) {
              taken += 1;
              takes += 1;
            }
            return isTaken;
          },
          free: (model) => {
            taken -= 1;
            slots.free(model);
          },
        },
        admission: async (call) => {
          if (call.operation !== "listModels") return;
          // What was sent before it may arrive after it, and be over by then.
          const before = takes - taken;
          await waitForQuiet(() => takes);
          if (takes > before) await sleep(LATE_MS);
        },
      };
    },
  },
  mutateReply(
    {
      id: "overload.refuses-late",
      description: "who is turned away waits for it",
      intended: ["limits.overload.at-once"],
    },
    isTurnedAway,
    (reply) => ({ writes: reply.writes.map((write) => ({ ...write, afterMs: LATE_MS })) }),
  ),
  {
    id: "overload.endless-line",
    description: "the queue has no end",
    intended: ["limits.overload.refused", ...OTHER_OPERATIONS.map(({ slug }) => `limits.overload.${slug}`)],
    mutate: ({ slots }) => ({ slots: { ...slots, take: () => true } }),
  },
  mutateReply(
    { id: "overload.is-500", description: "a full queue is a 500", intended: ["limits.overload.refused"] },
    isTurnedAway,
    () => ({ status: 500 }),
  ),
  {
    id: "overload.serves-one",
    description: "under load one call is answered, and the other slots stay empty",
    intended: ["limits.overload.served", "limits.stalled-reader.others-served"],
    mutate: ({ slots }) => {
      let isTaken = false;
      const take = (): boolean => !isTaken && (isTaken = true);
      return { slots: { ...slots, take, free: () => void (isTaken = false) } };
    },
  },
  mutateRefusal(
    {
      id: "overload.no-envelope",
      description: "who is turned away reads one word",
      intended: ["limits.overload.envelope"],
    },
    (refusal) => refusal.name === "overloaded",
    () => "busy",
  ),
  mutateReply(
    {
      id: "overload.no-retry-after",
      description: "who is turned away does not hear for how long",
      intended: ["limits.overload.retry-after"],
    },
    isTurnedAway,
    (reply) => withoutHeader(reply, "retry-after"),
  ),
  breakInBurst("crowd.fails", "many calls at once fail", "limits.crowd.answered", () => ({ status: 500 })),
  breakInBurst("crowd.no-envelope", "in a burst a refusal is one word", "limits.crowd.envelope", (reply) => ({
    ...withHeader(reply, "retry-after", "1"),
    status: 503,
    writes: oneWrite("busy"),
  })),
  breakInBurst("crowd.no-retry-after", "in a burst a refusal names no wait", "limits.crowd.retry-after", () => ({
    status: 429,
    writes: oneWrite(ENVELOPE),
  })),
  mutateReply(
    { id: "body.too-large-is-400", description: "too large a body is a 400", intended: ["limits.body.refused"] },
    // Those of recordings have mutants of their own.
    (reply, call) => reply.status === 413 && isChat(call),
    () => ({ status: 400 }),
  ),
];
