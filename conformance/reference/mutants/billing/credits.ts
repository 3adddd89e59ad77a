/** Credit that is given away, taken for nothing, or refused in the wrong way. */

import { BILLED_CALLS } from "../../../checks/support/billed-calls.ts";
import type { Ledger } from "../../accounts.ts";
import { readCredential } from "../../tokens.ts";
import type { ReferenceCall } from "../../call.ts";
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

/** Late enough for calls that arrive together to be judged by the same balance. */
const LATE_CHARGE_MS = 1000;

/** Checks disconnect from every stream of this account, and stream with these two alone. */
const DISCONNECTING_ACCOUNT = "leaving";
const STREAMERS: readonly string[] = ["streaming", DISCONNECTING_ACCOUNT];

/** What is asked of each operation but chat. */
const OTHER_OPERATIONS = BILLED_CALLS.filter(({ operation }) => operation !== "createChatCompletion").map(
  ({ slug }) => `billing.no-credit.${slug}`,
);

function mutateLedger(naming: Omit<Mutant, "mutate">, change: (ledger: Ledger) => Partial<Ledger>): Mutant {
  return { ...naming, mutate: ({ ledger }) => ({ ledger: { ...ledger, ...change(ledger) } }) };
}

function isOf(account: string, call: ReferenceCall): boolean {
  return readCredential(call.headers.authorization, /^bearer$/i).account === account;
}

const isEmpty = (call: ReferenceCall): boolean => isOf("empty", call);

export const billingMutants: readonly Mutant[] = [
  mutateLedger(
    {
      id: "billing.overdraft",
      description: "a call is charged after others were let in by the same balance",
      intended: ["billing.parallel.exact"],
    },
    ({ charge }) => ({
      charge: (account, tokens) => {
        if (account !== "small") charge(account, tokens);
        else setTimeout(() => charge(account, tokens), LATE_CHARGE_MS).unref();
      },
    }),
  ),
  {
    id: "billing.unreadable-charged",
    description: "a body that can't be read costs as much as an answer",
    intended: ["billing.parallel.exact"],
    mutate: ({ ledger, refusalBody }) => ({
      refusalBody: (refusal, call) => {
        if (isOf("small", call) && refusal.name === "bad_json") ledger.charge("small", 16);
        return refusalBody(refusal, call);
      },
    }),
  },
  {
    id: "billing.refusals-charged",
    description: "a refused call costs as much as an answered one",
    intended: ["billing.parallel.exact"],
    mutate: ({ ledger, refusalBody }) => ({
      refusalBody: (refusal, call) => {
        if (isOf("small", call)) ledger.charge("small", 16);
        return refusalBody(refusal, call);
      },
    }),
  },
  mutateLedger(
    {
      id: "billing.given-away",
      description: "an account without credit is served",
      intended: [
        "billing.no-credit.refused",
        "billing.no-credit.realtime",
        ...OTHER_OPERATIONS,
        "responses.compact.no-credit",
      ],
    },
    ({ covers }) => ({ covers: (account, tokens) => account === "empty" || covers(account, tokens) }),
  ),
  mutateLedger(
    {
      id: "billing.streams-free",
      description: "a streamed answer costs nothing",
      intended: ["billing.stream.charged", "billing.left.charged"],
    },
    ({ charge }) => ({ charge: (account, tokens) => charge(account, STREAMERS.includes(account) ? 0 : tokens) }),
  ),
  mutateLedger(
    {
      id: "billing.left-free",
      description: "a stream that was left costs nothing",
      intended: ["billing.left.charged"],
    },
    ({ charge }) => ({ charge: (account, tokens) => charge(account, account === DISCONNECTING_ACCOUNT ? 0 : tokens) }),
  ),
  mutateReply(
    { id: "billing.is-402", description: "no credit is a 402", intended: ["billing.no-credit.refused"] },
    (reply, call) => reply.status === 429 && isEmpty(call) && isChat(call),
    () => ({ status: 402 }),
  ),
  mutateRefusal(
    {
      id: "billing.code-of-rate-limit",
      description: "no credit has the code of a rate limit",
      intended: ["billing.no-credit.code"],
    },
    (refusal, call) => refusal.name === "quota_exceeded" && isChat(call),
    ({ message, type, param }) => ({ error: { message, type, param, code: "rate_limit_exceeded" } }),
  ),
  mutateReply(
    {
      id: "billing.is-retried",
      description: "nothing tells the SDK that waiting does not help",
      intended: ["billing.no-credit.sdk-gives-up"],
    },
    (reply, call) => reply.status === 429 && isEmpty(call),
    (reply) => withoutHeader(reply, "x-should-retry"),
  ),
  mutateReply(
    {
      id: "billing.refused-in-the-stream",
      description: "a stream without credit is opened, and its first event is the refusal",
      intended: ["billing.no-credit.stream"],
    },
    (reply, call) => reply.status === 429 && isEmpty(call) && isChat(call) && parseSent(call)["stream"] === true,
    (reply) => ({
      ...withHeader(reply, "content-type", "text/event-stream"),
      status: 200,
      writes: oneWrite(
        'data: {"error":{"message":"No credit.","type":"insufficient_quota","param":null,"code":null}}\n\n',
      ),
    }),
  ),
  mutateReply(
    {
      id: "billing.models-cost",
      description: "an account without credit may not list the models",
      intended: ["billing.no-credit.models"],
    },
    (_, call) => call.operation === "listModels" && isEmpty(call),
    () => ({ status: 402 }),
  ),
];
