/** Runs both sides of a pair. The order alternates by round, so that neither always runs on the warmer machine. */
export async function inTurns<Result>(
  round: number,
  [runFirst, runSecond]: readonly [() => Promise<Result>, () => Promise<Result>],
): Promise<[Result, Result]> {
  if (round % 2 === 0) return [await runFirst(), await runSecond()];
  const second = await runSecond();
  return [await runFirst(), second];
}
