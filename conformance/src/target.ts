/** What is judged: where it is, which keys fit it, which models it has and what was prepared for checks. */

/** Every key that a recipe may hold. */
export const KEY_NAMES = [
  "full",
  "no_capability",
  "no_credit",
  "expired",
  "not_yet_valid",
  "wrong_audience",
  "wrong_issuer",
  "small_credit",
  "stream_credit",
  "left_credit",
  "completions_credit",
  "completions_stream_credit",
  "responses_credit",
  "responses_stream_credit",
  "embeddings_credit",
  "transcriptions_credit",
  "transcriptions_stream_credit",
  "translations_credit",
  "speech_credit",
  "speech_stream_credit",
  "realtime_credit",
  "rate_limited",
  "other_account",
] as const;
export type KeyName = (typeof KEY_NAMES)[number];

/** Roles that a recipe may give a model id for. */
export const MODEL_ROLES = [
  "chat",
  "completion",
  "embedding",
  "transcription",
  "speech",
  "upstream_down",
  "upstream_error",
  "upstream_breaks",
  "upstream_compressed",
  "upstream_late_usage",
  "upstream_zero_usage",
  "upstream_unfinished",
] as const;
export type ModelRole = (typeof MODEL_ROLES)[number];

/** What an operator prepared and the suite can't find out by itself. Named as in the recipe. */
export interface Fixtures {
  /**
   * The account of the key `small_credit` pays for so many chats that use up `maxTokens` tokens, and not for one more.
   */
  readonly small_credit: { readonly affordableCalls: number; readonly maxTokens: number };
  /** The limit of the key `rate_limited`. */
  readonly rate_limited: { readonly requestsPerMinute: number };
  /** A chat model that answers so many calls at the same time, and lets so many more wait. */
  readonly overload: {
    readonly model: string;
    readonly concurrency: number;
    readonly waitingMax: number;
    /** Models of other kinds that do the same. Default: none. */
    readonly others?: Readonly<Partial<Record<"embedding" | "transcription" | "speech", string>>>;
  };
  /** A text that the failing upstreams send and that no client may see. */
  readonly upstream_secret: string;
  /** Largest body of a chat request, in bytes. */
  readonly body_bytes_max: number;
}

export const FIXTURE_NAMES = [
  "small_credit",
  "rate_limited",
  "overload",
  "upstream_secret",
  "body_bytes_max",
] as const satisfies readonly (keyof Fixtures)[];
export type FixtureName = (typeof FIXTURE_NAMES)[number];

/** The field of a chat request that limits its output; reasoning models of OpenAI refuse the older one. */
export type TokenLimit = "max_tokens" | "max_completion_tokens";

export interface Target {
  /** Without a trailing slash: `http://127.0.0.1:8080/v1`. */
  readonly baseUrl: string;
  /** The credentials themselves; they leave the process only towards the target. */
  readonly keys: Readonly<Partial<Record<KeyName, string>>>;
  readonly models: Readonly<Partial<Record<ModelRole, string>>>;
  /** Default: none. */
  readonly fixtures?: Readonly<Partial<Fixtures>>;
  /**
   * Sent with every request, lower-case names: what a gateway asks for. A check's own headers win. Default: none.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default `max_tokens`. */
  readonly tokenLimit?: TokenLimit;
}

/** A header with such a word in its name holds a secret; `x-portkey-provider` and `x-max-tokens` have none. */
const SECRET_WORD =
  /^(?:api|access|app|auth|bearer|client|private|secret|session|subscription|user)*(?:auth|authorization|authentication|bearer|cookie|credentials?|jwt|keys?|pass|passwd|password|secrets?|session|sessionid|signature|token)$/;
/** A value of one long word with letters and digits in it looks like one, whatever its name says. */
const SECRET_VALUE = /^(?=.*\d)(?=.*[a-z])[\w.~+/=-]{20,}$/i;

/** All that must not appear in a report. */
export function listSecrets({ keys, fixtures, headers = {} }: Target): readonly string[] {
  const { upstream_secret: secret } = fixtures ?? {};
  const secretHeaders = Object.entries(headers).flatMap(([name, value]) =>
    isSecretName(name) || SECRET_VALUE.test(value) ? listWords(value) : [],
  );
  return [...Object.values(keys), ...(secret === undefined ? [] : [secret]), ...secretHeaders];
}

function isSecretName(header: string): boolean {
  return header.split(/[-_.]/).some((word) => SECRET_WORD.test(word));
}

/** The whole value, and what follows its scheme: `Basic dXNlcjpw…` holds a secret without the first word. */
function listWords(value: string): readonly string[] {
  const rest = value.slice(value.indexOf(" ") + 1);
  return rest === value ? [value] : [value, rest];
}
