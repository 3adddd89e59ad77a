/** The discrete Fourier transform of a length that is a product of 2, 3, 4 and 5; tables and buffers are made once. */

export interface Fourier {
  readonly length: number;
  /** In place. Backwards it is not scaled. */
  transform(real: Float64Array, imaginary: Float64Array, direction: "forward" | "backward"): void;
}

interface Stage {
  readonly radix: number;
  /** Butterflies. */
  readonly count: number;
  readonly stride: number;
  /** Of the stage's whole length: cosine and sine of each step. */
  readonly cosines: Float64Array;
  readonly sines: Float64Array;
}

/** Stockham's algorithm, which needs no reordering. */
export function createFourier(length: number): Fourier {
  const stages = planStages(length);
  const roots = new Map([...new Set(stages.map(({ radix }) => radix))].map((radix) => [radix, rootsOf(radix)]));
  const [spareReal, spareImaginary] = [new Float64Array(length), new Float64Array(length)];
  const [termReal, termImaginary] = [new Float64Array(8), new Float64Array(8)];

  function runStage(stage: Stage, sign: number, { from, to }: { readonly from: Complex; readonly to: Complex }): void {
    const { radix, count, stride, cosines, sines } = stage;
    const root = roots.get(radix) ?? rootsOf(radix);
    for (let step = 0; step < count; step += 1) {
      for (let offset = 0; offset < stride; offset += 1) {
        for (let term = 0; term < radix; term += 1) {
          const at = offset + stride * (step + count * term);
          termReal[term] = from.real[at] ?? 0;
          termImaginary[term] = from.imaginary[at] ?? 0;
        }
        for (let output = 0; output < radix; output += 1) {
          let [sumReal, sumImaginary] = [0, 0];
          for (let term = 0; term < radix; term += 1) {
            const turn = (output * term) % radix;
            const cosine = root.cosines[turn] ?? 0;
            const sine = sign * (root.sines[turn] ?? 0);
            const [re, im] = [termReal[term] ?? 0, termImaginary[term] ?? 0];
            sumReal += re * cosine - im * sine;
            sumImaginary += re * sine + im * cosine;
          }
          const turn = step * output;
          const cosine = cosines[turn] ?? 0;
          const sine = sign * (sines[turn] ?? 0);
          const at = offset + stride * (radix * step + output);
          to.real[at] = sumReal * cosine - sumImaginary * sine;
          to.imaginary[at] = sumReal * sine + sumImaginary * cosine;
        }
      }
    }
  }

  return {
    length,
    transform(real, imaginary, direction) {
      const sign = direction === "forward" ? -1 : 1;
      let [from, to]: [Complex, Complex] = [
        { real, imaginary },
        { real: spareReal, imaginary: spareImaginary },
      ];
      for (const stage of stages) {
        runStage(stage, sign, { from, to });
        [from, to] = [to, from];
      }
      if (from.real === real) return;
      real.set(spareReal);
      imaginary.set(spareImaginary);
    },
  };
}

interface Complex {
  readonly real: Float64Array;
  readonly imaginary: Float64Array;
}

function rootsOf(length: number): { readonly cosines: Float64Array; readonly sines: Float64Array } {
  const angles = Float64Array.from({ length }, (_, index) => (2 * Math.PI * index) / length);
  return { cosines: angles.map((angle) => Math.cos(angle)), sines: angles.map((angle) => Math.sin(angle)) };
}

function planStages(length: number): readonly Stage[] {
  const stages: Stage[] = [];
  let [rest, stride] = [length, 1];
  while (rest > 1) {
    const radix = [4, 2, 3, 5].find((candidate) => rest % candidate === 0);
    if (radix === undefined) throw new Error(`${length} is not a product of 2, 3 and 5.`);
    const count = rest / radix;
    stages.push({ radix, count, stride, ...rootsOf(rest) });
    [rest, stride] = [count, stride * radix];
  }
  return stages;
}
