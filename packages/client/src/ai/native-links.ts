/** The tRPC client for queries and mutations. Subscriptions don't go through it. */

import { createTRPCUntypedClient, httpBatchLink, httpLink, splitLink } from "@trpc/client";
import type { NativeRouter } from "@openai-compat/server";
import type { ClientSettings } from "../client-options.ts";
import { createNativeFetch } from "./native-fetch.ts";
import { isNativePath, procedureTraits } from "./procedure-traits.ts";

/** The most calls of a batch: as many as the server takes by default (`native.batchCallsMax`). */
const BATCH_CALLS_MAX = 10;
/** The longest URL of a batch of queries, in characters; a longer batch is cut into several. */
const BATCH_URL_CHARACTERS_MAX = 8000;

/** @param settings whose base URL is that of the native surface */
export function createCallClient(settings: ClientSettings) {
  const options = { url: settings.baseURL, fetch: createNativeFetch(settings) };
  return createTRPCUntypedClient<NativeRouter>({
    links: [
      splitLink({
        condition: ({ path }) => isNativePath(path) && procedureTraits[path].isBatched === true,
        true: httpBatchLink({ ...options, maxItems: BATCH_CALLS_MAX, maxURLLength: BATCH_URL_CHARACTERS_MAX }),
        false: httpLink(options),
      }),
    ],
  });
}
