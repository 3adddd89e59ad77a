/**
 * From a call to a reply: routing, the steps that may refuse it, and the answer. All bytes come out of the wire table.
 */

import type { ReferenceCall, Reply } from "./call.ts";
import { isRefusal, type ReferenceOperation } from "./operations/operation.ts";
import { makeRefusal, type Refusal } from "./refusal.ts";
import { addCommonHeaders, composeBody, composePreflight, composeRefusal, composeStream } from "./replies.ts";
import { listMethods } from "./routes.ts";
import { type RequestState, startRequest, STEPS } from "./steps.ts";
import type { ReferenceWire } from "./wire.ts";

let answers = 0;

export function handleCall(call: ReferenceCall, wire: ReferenceWire): Reply {
  const reply = call.method === "OPTIONS" ? composePreflight(call) : answerCall(call, wire);
  return wire.reply(addCommonHeaders(reply, call), call);
}

/** What can be said of a call before its body has come; null where nothing can. */
export function refuseUnread(call: ReferenceCall, wire: ReferenceWire): Reply | null {
  if (call.operation === null || wire.steps[0] !== "authenticate" || wire.readsBodyFirst(call)) return null;
  const refusal = STEPS.authenticate(startRequest(call, call.operation), wire);
  if (refusal === null) return null;
  return wire.reply(addCommonHeaders(composeRefusal(refusal, call, wire), call), call);
}

function answerCall(call: ReferenceCall, wire: ReferenceWire): Reply {
  if (call.operation === null) return composeRefusal(refuseRoute(call), call, wire);
  const state = startRequest(call, call.operation);
  const reply = refuse(state, wire) ?? answer(state, wire);
  return state.rate === undefined
    ? reply
    : { ...reply, headers: { ...reply.headers, ...wire.rateHeaders(state.rate) } };
}

function refuse(state: RequestState, wire: ReferenceWire): Reply | null {
  for (const step of wire.steps) {
    const refusal = STEPS[step](state, wire);
    if (refusal !== null) return composeRefusal(refusal, state.call, wire);
  }
  return null;
}

function answer(state: RequestState, wire: ReferenceWire): Reply {
  const { call, request, account, slowModel, hasSlot } = state;
  const operation: ReferenceOperation = wire.operations[state.operation];
  answers += 1;
  const created = Math.floor(Date.now() / 1000);
  const found = operation.answer(request, { number: answers, created, account, models: wire.models });
  if (isRefusal(found)) return composeRefusal(found, call, wire);
  if (wire.constrains("charge", state)) wire.ledger.charge(account, found.cost);
  const reply =
    found.request["stream"] === true && operation.encodeStream !== undefined
      ? composeStream(
          {
            events: operation.encodeStream(found),
            breaksAfter: found.breaksAfter,
            isNamed: operation.hasNamedEvents === true,
          },
          call,
          wire,
        )
      : composeBody(200, operation.encode(found));
  if (slowModel === undefined) return reply;
  const release = (): void => (hasSlot ? wire.slots.free(slowModel) : undefined);
  return { ...reply, ready: wire.slots.settle, release };
}

function refuseRoute(call: ReferenceCall): Refusal {
  if (call.path === "/realtime") return makeRefusal(call.method === "GET" ? "upgrade_required" : "method_not_allowed");
  const methods = listMethods(call.path);
  if (methods.length === 0) return makeRefusal("route_not_found");
  return makeRefusal("method_not_allowed", { headers: { allow: methods.join(", ") } });
}
