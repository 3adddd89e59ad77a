/** The checks that a fault can make a difference to, those first that have found most of its kind. */

import type { CheckRecord, RecordedCall } from "../record-calls.ts";
import { listReplaced, makesDifference } from "../select-checks.ts";
import { defineReferenceWire } from "../wire.ts";
import type { Fault } from "./fault.ts";

/** Which functions a check makes the server call, and for which operations. */
interface IndexedRecord {
  readonly id: string;
  readonly calls: ReadonlyMap<string, readonly RecordedCall[]>;
}

/** Learns from each kill which check to ask first. */
export class CheckRanking {
  readonly #records: readonly IndexedRecord[];
  readonly #kills = new Map<string, number>();

  constructor(records: readonly CheckRecord[]) {
    this.#records = records.map(({ result, calls }) => ({
      id: result.check.id,
      calls: Map.groupBy(calls, ({ member }) => member),
    }));
  }

  /** Ids, in the order in which they are to be run. */
  rank(fault: Fault): readonly string[] {
    return this.select(fault).toSorted((one, other) => this.#score(fault, other) - this.#score(fault, one));
  }

  /** Ids, in the order of the suite. */
  select(fault: Pick<Fault, "mutate">): readonly string[] {
    const wire = defineReferenceWire();
    const members = [...listReplaced(fault.mutate(wire), wire).keys()];
    const touched = this.#records.filter(({ calls }) => {
      const concerned = members.flatMap((member) => calls.get(member) ?? []);
      return concerned.length > 0 && makesDifference(fault, concerned);
    });
    return touched.map(({ id }) => id);
  }

  learn(fault: Fault, killedBy: readonly string[]): void {
    for (const check of killedBy) {
      for (const key of listKeys(fault, check)) this.#kills.set(key, (this.#kills.get(key) ?? 0) + 1);
    }
  }

  #score(fault: Fault, check: string): number {
    const [near = "", far = ""] = listKeys(fault, check);
    return 10 * (this.#kills.get(near) ?? 0) + (this.#kills.get(far) ?? 0);
  }
}

function listKeys({ operation, mode, operator, id }: Fault, check: string): readonly string[] {
  const place = id.split(".").slice(0, 4).join(".");
  return [`${check} ${place}`, `${check} ${operation} ${mode} ${operator}`];
}
