/** The few ways of changing the wire that mutants of responses are written in. */

import type { JsonObject } from "../../../src/expect.ts";
import type { Fields } from "../../operations/operation.ts";
import { encodeResponseEvents, type ResponseAnswer } from "../../operations/response-events.ts";
import { makeRefusal, type Refusal } from "../../refusal.ts";
import { type Mutant, mutateOperation, type Naming } from "../mutant.ts";

/** Changes the response, in an answer and in the events of a stream. */
export function mutateResponse(naming: Naming, change: (response: JsonObject, request: Fields) => JsonObject): Mutant {
  return mutateAnswer(naming, (answer) => ({ ...answer, response: change(answer.response, answer.request) }));
}

/** Changes what is answered, before it is encoded in either way. */
export function mutateAnswer(naming: Naming, change: (answer: ResponseAnswer) => ResponseAnswer): Mutant {
  return mutateOperation(naming, "createResponse", ({ answer }) => ({
    answer: (request, context) => {
      const found = answer(request, context);
      return "status" in found ? found : change(found);
    },
  }));
}

/** Changes the events of a stream. */
export function mutateEvents(naming: Naming, change: (events: readonly JsonObject[]) => readonly JsonObject[]): Mutant {
  return mutateOperation(naming, "createResponse", () => ({
    encodeStream: (answer) => change(encodeResponseEvents(answer)),
  }));
}

/** Loses parts of a valid request. */
export function lose(naming: Naming, change: (request: Fields) => Fields): Mutant {
  return mutateOperation(naming, "createResponse", ({ answer }) => ({
    answer: (request, context) => answer(change(request), context),
  }));
}

/** Refuses what is to be answered. */
export function refuse(naming: Naming, when: (request: Fields) => boolean): Mutant {
  return mutateOperation(naming, "createResponse", ({ validate }) => ({
    validate: (request) => (when(request) ? makeRefusal("invalid_value", { param: "conformance" }) : validate(request)),
  }));
}

/** Answers what a wrong request might have meant. */
export function accept(naming: Naming, repair: (request: Fields) => Fields): Mutant {
  return mutateOperation(naming, "createResponse", ({ decode }) => ({
    decode: (call, reader) => {
      const decoded = decode(call, reader);
      return "fields" in decoded ? { fields: repair(decoded.fields) } : decoded;
    },
  }));
}

/** Refuses in another way. */
export function refuseOtherwise(naming: Naming, change: (refusal: Refusal) => Partial<Refusal>): Mutant {
  return mutateOperation(naming, "createResponse", ({ answer, validate }) => ({
    validate: (request) => changed(validate(request)),
    answer: (request, context) => {
      const found = answer(request, context);
      return "status" in found ? { ...found, ...change(found) } : found;
    },
  }));

  function changed(refusal: Refusal | null): Refusal | null {
    return refusal === null ? null : { ...refusal, ...change(refusal) };
  }
}

/** Whether a request has these fields, whatever else it has. */
export function has(request: Fields, fields: Fields): boolean {
  return Object.entries(fields).every(([name, value]) => JSON.stringify(request[name]) === JSON.stringify(value));
}

/** Changes each item of the output. */
export function changeItems(answer: ResponseAnswer, change: (item: JsonObject) => JsonObject): ResponseAnswer {
  const output = answer.output.map(({ item, pieces }) => ({ item: change(item), pieces }));
  return { ...answer, output, response: { ...answer.response, output: output.map(({ item }) => item) } };
}
