/** A clock that all processes of one machine share, so that one can time what another caused. */

/** Milliseconds since a moment that is the same in every process. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
