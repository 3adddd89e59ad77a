/** All handlers of the native surface. */

import type { AiService } from "@openai-compat/core";
import type { NativeHandlers } from "./native-handlers.ts";
import { listNativeModels } from "./models/list-models.ts";
import { foldPrompt } from "./prompt/fold-prompt.ts";
import { startPrompt } from "./prompt/start-prompt.ts";
import { streamPrompt } from "./prompt/stream-prompt.ts";

export interface HandlerDependencies {
  readonly service: AiService;
}

export function createNativeHandlers({ service }: HandlerDependencies): NativeHandlers {
  return {
    "models.list": (_input, { authorised }) => listNativeModels(service, authorised),
    prompt: async (input, { authorised: call, traceParent }) =>
      foldPrompt(await startPrompt(input, { service, call, traceParent, stream: false })),
    promptStream: (input, { authorised: call, traceParent }) =>
      streamPrompt(input, { service, call, traceParent, stream: true }),
  };
}
