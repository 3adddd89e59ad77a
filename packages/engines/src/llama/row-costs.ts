/**
 * What a decode step costs by its number of rows, measured while the model runs. More rows in one evaluation are not
 * always cheaper: llama.cpp has one kernel for a single row and others for several, and two rows may take longer
 * together than one after the other. Where that ends depends on the model, its quantisation and the processor.
 *
 * @see docs/decisions/2026-11-29-few-rows-are-evaluated-one-by-one.md
 */

export interface RowCosts {
  /** @param tookMs for all of the rows */
  note(rows: number, tookMs: number): void;
  /** Whether so many rows, at least two, cost less in one evaluation than in as many. */
  isCheaperTogether(rows: number): boolean;
}

/**
 * As many are kept of each number of rows; their lower quartile counts. Whatever else needs the processor makes an evaluation take longer, up
 * to a hundred times as long, and never less: a median may compare quiet moments of one number of rows with busy ones of another.
 */
const SAMPLES = 9;
/** No number of rows is compared before it was measured so often: the first evaluation of a shape is slower. */
const SAMPLES_MIN = 3;
/**
 * One evaluation in so many is the other way round, so that what was measured long ago is measured again: three of them correct a quartile.
 */
const DECISIONS_PER_PROBE = 40;
/** A row alone is done sooner, so rows wait for each other only where that saves more than a measurement's noise. */
const SHARE_OF_COST_MAX = 0.9;

export function createRowCosts(): RowCosts {
  /** By number of rows, oldest first. */
  const measured = new Map<number, number[]>();
  let decisions = 0;

  function typicalMs(rows: number): number | null {
    const samples = measured.get(rows) ?? [];
    if (samples.length < SAMPLES_MIN) return null;
    return samples.toSorted((a, b) => a - b)[samples.length >> 2] ?? null;
  }

  function compare(rows: number): boolean {
    const [alone, together] = [typicalMs(1), typicalMs(rows)];
    if (alone === null) return false;
    return together === null || together <= SHARE_OF_COST_MAX * rows * alone;
  }

  return {
    note(rows, tookMs) {
      const samples = measured.get(rows) ?? [];
      measured.set(rows, samples);
      samples.push(tookMs);
      if (samples.length > SAMPLES) samples.shift();
    },
    isCheaperTogether(rows) {
      decisions += 1;
      const isProbe = decisions % DECISIONS_PER_PROBE === 0;
      return compare(rows) !== isProbe;
    },
  };
}
