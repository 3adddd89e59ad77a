/**
 * Which checks a mutant can make a difference to: those that make the reference server call a function which the mutant
 * replaces, and for which the replacement returns something else. To all other checks the mutant is the reference
 * server.
 */

import { isDeepStrictEqual } from "node:util";
import { listHttpOperations, operations as specification } from "@openai-compat/spec";
import type { Check } from "../src/check.ts";
import { createLedger, createRateLimiter, createSlots } from "./accounts.ts";
import type { Mutant } from "./mutants/mutant.ts";
import type { CheckRecord, RecordedCall } from "./record-calls.ts";
import { defineReferenceWire, type ReferenceWire } from "./wire.ts";

/** Members that keep state or wait, so that what they return does not show all that they do: a call is enough. */
const STATEFUL = /^(?:admission|realtime\.lost|ledger\.\w+|slots\.\w+)$/;

/** In the order of the records. */
export function selectChecks(mutant: Mutant, records: readonly CheckRecord[]): readonly Check[] {
  const wire = defineReferenceWire();
  const replaced = listReplaced(mutant.mutate(wire), wire);
  return records
    .filter(({ calls }) => calls.some(({ member }) => replaced.has(member)) && makesDifference(mutant, calls))
    .map(({ result }) => result.check);
}

/** Calls the mutant's functions as the check made the server call the reference's. State of a mutant begins anew. */
export function makesDifference(mutant: Pick<Mutant, "mutate">, calls: readonly RecordedCall[]): boolean {
  const touched = new Set<string>();
  const wire = defineProbe((member) => touched.add(member));
  const replaced = listReplaced(mutant.mutate(wire), wire);
  // A limiter returns all that it does, so that another one can be called like any function.
  const ownsLimiter = replaced.has("limiter");
  return calls.some(({ member, parameters, result }) => {
    if (!replaced.has(member)) return false;
    const value = replaced.get(member);
    if (STATEFUL.test(member) || typeof value !== "function") return true;
    try {
      const changed: unknown = Reflect.apply(value, undefined, parameters);
      if (ownsLimiter) touched.delete("limiter");
      return touched.size > 0 || !isDeepStrictEqual(changed, result);
    } catch {
      return true;
    }
  });
}

/** A wire that reports which parts of it are used that keep state. */
function defineProbe(onTouch: (member: string) => void): ReferenceWire {
  const watch = <T extends object>(name: string, kept: T): T =>
    new Proxy(kept, {
      get(target, property) {
        const value: unknown = Reflect.get(target, property);
        if (typeof value !== "function") return value;
        return (...parameters: unknown[]): unknown => {
          onTouch(name);
          return Reflect.apply(value, undefined, parameters);
        };
      },
    });
  const limiter = createRateLimiter();
  return {
    ...defineReferenceWire(),
    limiter: (account) => {
      onTouch("limiter");
      return limiter(account);
    },
    ledger: watch("ledger", createLedger()),
    slots: watch("slots", createSlots()),
  };
}

/** The members in which a part of a wire differs from the whole one, by the names of the record. */
export function listReplaced(part: Partial<ReferenceWire>, whole: ReferenceWire): ReadonlyMap<string, unknown> {
  const { operations, realtime, ledger, slots, ...common } = part;
  const members = new Map<string, unknown>(Object.entries(common));
  const compare = (path: string, given: object | undefined, original: object): void => {
    for (const [name, value] of Object.entries(given ?? {})) {
      if (value !== Reflect.get(original, name)) members.set(`${path}.${name}`, value);
    }
  };
  compare("realtime", realtime, whole.realtime);
  compare("ledger", ledger, whole.ledger);
  compare("slots", slots, whole.slots);
  for (const { id } of listHttpOperations(specification)) {
    compare(`operations.${id}`, operations?.[id], whole.operations[id]);
  }
  return members;
}
