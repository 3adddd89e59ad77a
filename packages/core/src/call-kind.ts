/**
 * What the calls of one operation are made of: the steps before admission and the work after it. One value for each
 * kind, in `services/`; the order of the steps is said here, once for all.
 */

import type { AdmittedCall, ResolvedCall } from "./call.ts";
import type { CallCheckpoint } from "./credits/call-checkpoint.ts";
import type { Engine } from "./operations.ts";
import type { ReleaseEngine } from "./models/engine-uses.ts";
import type { RegisteredModel } from "./models/registry.ts";
import type { ModelOperationId } from "./model-operation-id.ts";
import { primeStream, runAdmitted } from "./pipeline.ts";
import type { AdmissionRequest, CallTarget, CostEstimate, RunEvents, ServedBy } from "./pipeline.ts";

/**
 * @typeParam Request what a surface decodes
 * @typeParam Served the engines that can serve it
 * @typeParam Prepared the request as the engine will get it, with nothing left to refuse
 * @typeParam Run what the surface gets to encode
 */
export interface CallKind<Request, Served extends Engine, Prepared, Event, Run> extends ServedBy<Served> {
  /**
   * It may load the model and tokenise, but computes nothing of the answer.
   *
   * @throws AiError for what the model can't take
   */
  readonly prepare: (engine: Served, request: Request, signal: AbortSignal) => Promise<Prepared>;
  /** Called with what was prepared for a call that is not admitted. Default: nothing is held for it. */
  readonly release?: (prepared: Prepared) => void;
  readonly estimate: (prepared: Prepared) => CostEstimate;
  /** The work itself. What it has put on the call's meter when it ends is paid for. */
  readonly run: (call: AdmittedCall<RegisteredModel>, prepared: Prepared) => AsyncGenerator<Event, void>;
  /** @throws AiError what the events throw, and for events that make no answer */
  readonly start: (events: RunEvents<Event>, prepared: Prepared, facts: RunFacts) => Promise<Run>;
}

/** Of an admitted call. */
export interface RunFacts {
  /** The id of the model that serves the call, whatever the request called it. */
  readonly modelId: string;
  /** Milliseconds since the epoch. */
  readonly createdAtMs: number;
  /** What has been used by now, and what is held for it. */
  readonly checkpoint: () => CallCheckpoint;
}

/** The calls of one kind as seen from outside: their request and their result, without the steps between. */
export interface Calls<Request, Run> {
  readonly operation: ModelOperationId;
  /** Resolves once the call is admitted, so that every refusal is thrown here, before any byte of an answer. */
  readonly serve: (gate: CallGate, target: CallTarget, request: Request) => Promise<Run>;
}

/** The way from an authorised call to an admitted one, the same for every operation. */
export interface CallGate {
  /**
   * Counts the request, and refuses an account without credits. The engine is in use until it is released.
   *
   * @throws AiError
   */
  resolve<Served extends Engine>(
    target: CallTarget,
    needed: ServedBy<Served>,
  ): Promise<{
    readonly call: ResolvedCall<RegisteredModel>;
    readonly engine: Served;
    readonly releaseEngine: ReleaseEngine;
  }>;
  /** @param onEnd called when the work of the admitted call has ended. @throws AiError */
  admit(
    call: ResolvedCall<RegisteredModel>,
    request: AdmissionRequest,
    onEnd: () => void,
  ): Promise<AdmittedCall<RegisteredModel>>;
  /** Keeps an engine in use by what is no call: a session. */
  hold(engine: Engine): ReleaseEngine;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** resolve → prepare → estimate → admit → run, for every kind of calls. */
export function defineCalls<Request, Served extends Engine, Prepared, Event, Run>(
  kind: CallKind<Request, Served, Prepared, Event, Run>,
): Calls<Request, Run> {
  const { operation } = kind;
  return {
    operation,
    async serve(gate, target, request) {
      const { call, engine, releaseEngine } = await gate.resolve(target, kind);
      const chosen = { call, engine, releaseEngine, selector: target.selector };
      const { prepared, admitted } = await prepareAndAdmit(kind, { gate, ...chosen, request }).catch(
        (thrown: unknown) => {
          releaseEngine();
          throw thrown;
        },
      );
      const { checkpoint, model } = admitted;
      const facts = { modelId: model.id, createdAtMs: gate.now(), checkpoint };
      const events = await primeStream(runAdmitted(admitted, () => kind.run(admitted, prepared)));
      return kind.start(events, prepared, facts);
    },
  };
}

interface Chosen<Request, Served> {
  readonly gate: CallGate;
  readonly call: ResolvedCall<RegisteredModel>;
  readonly engine: Served;
  readonly releaseEngine: ReleaseEngine;
  readonly selector: string;
  readonly request: Request;
}

/**
 * On its own, so that no function that lives as long as the call's work keeps the request: a recording would stay in
 * memory.
 */
async function prepareAndAdmit<Request, Served extends Engine, Prepared, Event, Run>(
  kind: CallKind<Request, Served, Prepared, Event, Run>,
  { gate, call, engine, releaseEngine, selector, request }: Chosen<Request, Served>,
) {
  const prepared = await kind.prepare(engine, request, call.signal);
  const asked = { ...kind.estimate(prepared), operation: kind.operation, selector };
  try {
    return { prepared, admitted: await gate.admit(call, asked, releaseEngine) };
  } catch (thrown) {
    kind.release?.(prepared);
    throw thrown;
  }
}
