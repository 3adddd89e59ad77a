/**
 * Log probabilities of chats that are missing, of another text, or no probabilities; and parameters of sampling
 * ignored.
 */

import { isJsonObject } from "../../../src/expect.ts";
import type { TokenLogprob } from "../../logprobs.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { type Mutant, mutateChoice, mutateChunkChoice, mutateRequest, mutateRule, omit } from "../mutant.ts";

type Naming = Omit<Mutant, "mutate">;

/** Changes the log probabilities of non-streaming answers; those of a stream stay. */
function mutateLogprobs(
  naming: Naming,
  change: (tokens: readonly TokenLogprob[], body: ChatBody) => object | null,
): Mutant {
  return mutateChoice(naming, (choice, body) => {
    const { content } = isJsonObject(choice["logprobs"]) ? choice["logprobs"] : {};
    return Array.isArray(content) ? { ...choice, logprobs: change(content, body) } : choice;
  });
}

/** Changes each token of non-streaming answers. */
function mutateToken(naming: Naming, change: (token: TokenLogprob, body: ChatBody) => object): Mutant {
  return mutateLogprobs(naming, (tokens, body) => ({
    content: tokens.map((token) => change(token, body)),
    refusal: null,
  }));
}

function lose(param: string, description: string, intended: string): Mutant {
  return mutateRequest({ id: `sampling.${param}-ignored`, description, intended: [intended] }, (body) =>
    omit(body, param),
  );
}

function dropRule(id: string, description: string, intended: string, name: string): Mutant {
  return mutateRule({ id, description, intended: [intended] }, name, () => null);
}

const logprobMutants: readonly Mutant[] = [
  mutateLogprobs(
    { id: "logprobs.ignored", description: "`logprobs` is ignored", intended: ["chat.logprobs.given"] },
    () => null,
  ),
  mutateLogprobs(
    {
      id: "logprobs.legacy",
      description: "log probabilities have the format of a plain completion's",
      intended: ["chat.logprobs.given"],
    },
    (tokens) => ({ tokens: tokens.map(({ token }) => token), token_logprobs: tokens.map(({ logprob }) => logprob) }),
  ),
  mutateToken(
    {
      id: "logprobs.top-null",
      description: "`top_logprobs` is null where none were asked for",
      intended: ["chat.logprobs.shape"],
    },
    (token) => (token.top_logprobs.length === 0 ? { ...token, top_logprobs: null } : token),
  ),
  mutateToken(
    {
      id: "logprobs.bytes-as-text",
      description: "`bytes` is a text",
      intended: ["chat.logprobs.shape"],
    },
    (token) => ({ ...token, bytes: token.token }),
  ),
  mutateToken(
    {
      id: "logprobs.trimmed",
      description: "the bytes of tokens have lost their blanks",
      intended: ["chat.logprobs.bytes-are-the-text"],
    },
    (token) => ({ ...token, bytes: [...Buffer.from(token.token.trim())] }),
  ),
  mutateToken(
    {
      id: "logprobs.probabilities",
      description: "a token has its probability in place of its logarithm",
      intended: ["chat.logprobs.range"],
    },
    (token) => ({ ...token, logprob: Math.exp(token.logprob) }),
  ),
  mutateToken(
    {
      id: "logprobs.one-top",
      description: "only the likeliest token is given",
      intended: ["chat.logprobs.top-count"],
    },
    (token) => ({ ...token, top_logprobs: token.top_logprobs.slice(0, 1) }),
  ),
  mutateToken(
    {
      id: "logprobs.one-top-more",
      description: "one likely token more is given than was asked for",
      intended: ["chat.logprobs.top-count"],
    },
    (token) => ({
      ...token,
      top_logprobs: token.top_logprobs.flatMap((top, at) => (at === 2 ? [top, { ...top, logprob: -9 }] : [top])),
    }),
  ),
  mutateToken(
    {
      id: "logprobs.top-reversed",
      description: "the likeliest token comes last",
      intended: ["chat.logprobs.top-sorted"],
    },
    (token) => ({ ...token, top_logprobs: token.top_logprobs.toReversed() }),
  ),
  mutateToken(
    {
      id: "logprobs.top-unnormalised",
      description: "all likely tokens are as likely as the one that was written",
      intended: ["chat.logprobs.top-sum"],
    },
    (token) => ({ ...token, top_logprobs: token.top_logprobs.map((top) => ({ ...top, logprob: token.logprob })) }),
  ),
  mutateToken(
    {
      id: "logprobs.of-next-place",
      description: "the probability of a token is that of another position",
      intended: ["chat.logprobs.greedy"],
    },
    (token) => ({ ...token, logprob: token.logprob - 3 }),
  ),
  mutateChunkChoice(
    {
      id: "logprobs.not-streamed",
      description: "`logprobs` is ignored in a stream",
      intended: ["chat.logprobs.streamed"],
    },
    (choice) => ({ ...choice, logprobs: null }),
  ),
  mutateChunkChoice(
    {
      id: "logprobs.first-not-streamed",
      description: "the first token of a stream has no log probability",
      intended: ["chat.logprobs.streamed"],
    },
    (choice, { index }) => (index === 1 ? { ...choice, logprobs: null } : choice),
  ),
  dropRule(
    "logprobs.top-alone",
    "`top_logprobs` alone is ignored",
    "chat.logprobs.top-needs-logprobs",
    "topNeedsLogprobs",
  ),
  dropRule("logprobs.any-top", "any number of likely tokens is given", "chat.logprobs.top-range", "topLogprobsRange"),
];

const samplingMutants: readonly Mutant[] = [
  lose("logit_bias", "`logit_bias` is ignored", "chat.sampling.logit-bias"),
  lose("top_p", "`top_p` is ignored", "chat.sampling.top-p"),
  lose("seed", "`seed` is ignored", "chat.sampling.seed"),
  dropRule("sampling.any-bias", "any bias is taken", "chat.sampling.logit-bias-range", "biasRange"),
  dropRule(
    "sampling.any-presence",
    "any presence penalty is taken",
    "chat.sampling.presence-penalty-range",
    "presencePenaltyRange",
  ),
  dropRule(
    "sampling.any-frequency",
    "any frequency penalty is taken",
    "chat.sampling.frequency-penalty-range",
    "frequencyPenaltyRange",
  ),
];

export const chatLogprobMutants: readonly Mutant[] = [...logprobMutants, ...samplingMutants];
