/** Arithmetic of logits: logarithms of probabilities, up to a constant. */

/** The probability of one token among all. */
export function probabilityOf(logits: Float32Array, token: number): number {
  return Math.exp((logits[token] ?? -Infinity) - measureNorm(logits));
}

/** The logarithm of the sum of the exponentials. */
export function measureNorm(logits: Float32Array | Float64Array): number {
  const largest = findLargest(logits);
  let sum = 0;
  for (const logit of logits) if (logit > -Infinity) sum += Math.exp(logit - largest);
  return largest + Math.log(sum);
}

export function findLargest(values: Float32Array | Float64Array): number {
  let largest = -Infinity;
  for (const value of values) if (value > largest) largest = value;
  return largest;
}
