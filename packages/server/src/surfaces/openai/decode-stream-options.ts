/** What a stream shall carry beside its text, as chat and completions say it alike. */

import type { CreateChatCompletionRequest } from "@openai-compat/spec";

export interface StreamOptions {
  /** Whether a last chunk carries the usage; the others then say `usage: null`. */
  readonly includeUsage: boolean;
  /** Whether chunks are padded, so that an observer of packet sizes can't guess the words. */
  readonly includeObfuscation: boolean;
}

export function decodeStreamOptions(options: CreateChatCompletionRequest["stream_options"]): StreamOptions {
  return {
    includeUsage: options?.include_usage === true,
    includeObfuscation: options?.include_obfuscation === true,
  };
}
