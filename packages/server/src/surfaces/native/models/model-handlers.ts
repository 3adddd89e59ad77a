/** The models of the service, and what callers add to them, change and remove while it runs. */

import { isGranted } from "@openai-compat/core";
import type { AiService, Principal } from "@openai-compat/core";
import type { NativeModel } from "@openai-compat/spec";
import type { ManagedModel, ModelEditor, ModelManager } from "../../../models/model-manager.ts";
import type { WatchedStatus } from "../../../models/watch-statuses.ts";
import type { NativeHandlers } from "../native-handlers.ts";
import { renameParam } from "../rename-param.ts";

type ModelPath =
  | "models.list"
  | "models.status"
  | "models.watch"
  | "models.add"
  | "models.update"
  | "models.remove"
  | "models.getDefault"
  | "models.setDefault";

export interface ModelHandlerOptions {
  readonly service: Pick<AiService, "listModels">;
  readonly models: ModelManager;
  /** Aborted with an `AiError` when the server begins to stop. */
  readonly stopping: AbortSignal;
}

export function createModelHandlers(options: ModelHandlerOptions): Pick<NativeHandlers, ModelPath> {
  const { service, models, stopping } = options;
  return {
    "models.list"(_input, { authorised }) {
      const sources = new Map(models.list().map(({ id, source }) => [id, source]));
      return service
        .listModels(authorised)
        .map((model) => describeModel({ ...model, source: sources.get(model.id) ?? "configuration" }));
    },
    "models.status": ({ id }) => namedById(() => models.status(id)),
    "models.watch"({ id = null }, { authorised }) {
      // An id that is not there is refused before the first event, with the status of a refusal.
      if (id !== null) namedById(() => models.status(id));
      return watchUntilStopped(id, authorised.signal, { models, stopping });
    },
    "models.add": async (input, { authorised }) =>
      describeModel(await models.add(input, describeEditor(authorised.principal))),
    async "models.update"({ id, ...patch }, { authorised }) {
      const updated = namedByIdLater(models.update(id, patch, describeEditor(authorised.principal)));
      return describeModel(await updated);
    },
    async "models.remove"({ id, whenBusy }) {
      await namedByIdLater(models.remove(id, { whenBusy }));
      return { id };
    },
    "models.getDefault"({ type }) {
      const model = models.getDefault(type);
      return model === null ? null : describeModel(model);
    },
    "models.setDefault": async ({ type, id }) => describeModel(await namedByIdLater(models.setDefault(type, id))),
  };
}

/** A watch has no end of its own: it would hold up a server that lets its answers end before it stops. */
async function* watchUntilStopped(
  id: string | null,
  signal: AbortSignal,
  { models, stopping }: Pick<ModelHandlerOptions, "models" | "stopping">,
): AsyncGenerator<WatchedStatus, void> {
  stopping.throwIfAborted();
  yield* models.watchStatus(id, AbortSignal.any([signal, stopping]));
  stopping.throwIfAborted();
}

function describeEditor(principal: Principal): ModelEditor {
  return { isOperator: isGranted(principal, { domain: "operator", can: "UPDATE" }) };
}

function describeModel({ id, name, type, ownedBy, isDefault, createdAtMs, source }: ManagedModel): NativeModel {
  return { id, name, type, ownedBy, isDefault, createdAtMs, source };
}

function namedById<Answer>(ask: () => Answer): Answer {
  try {
    return ask();
  } catch (thrown) {
    throw nameId(thrown);
  }
}

function namedByIdLater<Answer>(answer: Promise<Answer>): Promise<Answer> {
  return answer.catch((thrown: unknown) => {
    throw nameId(thrown);
  });
}

/** `/v1` calls the field of an id that is not known `model`. */
function nameId(thrown: unknown): unknown {
  return renameParam(thrown, [["model", "id"]]);
}
