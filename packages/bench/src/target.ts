/** The target of a figure. A missed target is reported and fails nothing. */

export interface Target {
  /** What is judged: our value, or its ratio to the baseline's. */
  readonly of: "ours" | "ratio";
  readonly bound: "≤" | "≥";
  readonly value: number;
}

export function meetsTarget({ bound, value: limit }: Target, value: number): boolean {
  return bound === "≤" ? value <= limit : value >= limit;
}

/** @param ratioName what stands for the ratio, as "ours : bare". */
export function describeTarget({ of, bound, value }: Target, ratioName: string): string {
  return `${of === "ratio" ? `${ratioName} ` : ""}${bound} ${value}`;
}

/** @param meets null where there is no target, or nothing to judge. */
export function describeVerdict(meets: boolean | null): string {
  if (meets === null) return "";
  return meets ? "met" : "missed";
}
