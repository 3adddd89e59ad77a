/** All handlers of the native surface. */

import type { AiService } from "@openai-compat/core";
import { embed } from "./embed.ts";
import type { ModelManager } from "../../models/model-manager.ts";
import { createModelHandlers } from "./models/model-handlers.ts";
import type { NativeHandlers } from "./native-handlers.ts";
import { createAccountHandlers } from "./operators/account-handlers.ts";
import { createCreditHandlers } from "./operators/credit-handlers.ts";
import { createKeyHandlers } from "./operators/key-handlers.ts";
import { foldPrompt } from "./prompt/fold-prompt.ts";
import { startPrompt } from "./prompt/start-prompt.ts";
import { streamPrompt } from "./prompt/stream-prompt.ts";
import type { NativeSettings } from "./settings.ts";
import { foldSpeech, streamSpeech } from "./speak/speak.ts";
import { startSpeech } from "./speak/start-speech.ts";
import type { Stores } from "../../stores/stores.ts";
import { createTaskHandlers } from "./tasks/task-handlers.ts";
import type { SubscriptionRuns } from "./subscription-runs.ts";
import { createTranscriptions } from "./transcription/transcriptions.ts";
import type { TranscriptionDependencies } from "./transcription/transcriptions.ts";

export interface HandlerDependencies extends TranscriptionDependencies {
  readonly service: AiService;
  readonly models: ModelManager;
  /** Aborted with an `AiError` when the server begins to stop. */
  readonly stopping: AbortSignal;
  readonly runs: SubscriptionRuns;
  readonly stores: Pick<Stores, "tasks" | "apiKeys" | "credits">;
  readonly native: Pick<NativeSettings, "speechBytesMax" | "tasksMax" | "accountTranscriptionsMax">;
}

export function createNativeHandlers(dependencies: HandlerDependencies): NativeHandlers {
  const { service, runs, stores, native } = dependencies;
  const { tasks } = stores;
  const now = Date.now;
  const prompting = { service, tasks };
  const transcriptions = createTranscriptions(dependencies);
  return {
    ...createModelHandlers(dependencies),
    ...createTaskHandlers({ tasks, tasksMax: native.tasksMax, now }),
    ...createAccountHandlers({ ...stores, now }),
    ...createCreditHandlers({ ...stores, now }),
    ...createKeyHandlers({ ...stores, now }),
    prompt: async (input, call) => foldPrompt(await startPrompt(input, { ...prompting, ...call, stream: false })),
    promptStream: async (input, call, runId) =>
      streamPrompt(runId, await startPrompt(input, { ...prompting, ...call, stream: true })),
    promptCancel: ({ id }, { authorised }) => ({ cancelled: runs.cancel(authorised.principal.accountId, id) }),
    embed: (input, call) => embed(input, call, service),
    speak: async (input, call) => foldSpeech(await startSpeech(input, call, service), native.speechBytesMax),
    speakStream: async (input, call, runId) => streamSpeech(runId, await startSpeech(input, call, service)),
    "transcription.open": (input, { authorised }) => transcriptions.open(input, authorised),
    "transcription.feed": (input, { authorised }) => transcriptions.feed(input, authorised),
    "transcription.commit": async ({ id }, { authorised }) => {
      await transcriptions.commit(id, authorised);
      return { id };
    },
    "transcription.close": ({ id }, { authorised }) => {
      transcriptions.close(id, authorised);
      return { id };
    },
    "transcription.text": ({ id }, { authorised }) => Promise.resolve(transcriptions.read(id, authorised)),
  };
}
