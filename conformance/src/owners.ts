/**
 * The owners of a precondition: the checks that judge the very thing for which another check steps aside. A check can't
 * be inconclusive for a precondition without them, so that no defect falls between two checks.
 */

/** Ids of one check or more. Only `defineOwners` and `merge` make one. */
export class Owners {
  static readonly #declared = new Set<string>();
  readonly ids: readonly string[];

  private constructor(ids: readonly string[]) {
    this.ids = ids;
  }

  static define(...ids: readonly [string, ...string[]]): Owners {
    for (const id of ids) Owners.#declared.add(id);
    return new Owners(ids);
  }

  /** All ids that were defined as owners until now. */
  static listDeclared(): readonly string[] {
    return [...Owners.#declared];
  }

  /** Either may be to blame. */
  merge(...others: readonly Owners[]): Owners {
    return new Owners([...new Set([this, ...others].flatMap(({ ids }) => ids))]);
  }
}

/** Call it where a module is loaded, not in a function: a test looks at whether each id is a check of the suite. */
export function defineOwners(...ids: readonly [string, ...string[]]): Owners {
  return Owners.define(...ids);
}
