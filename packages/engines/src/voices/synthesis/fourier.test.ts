import { expect, test } from "vitest";
import { createFourier } from "./fourier.ts";

test.each([2, 12, 60, 1200])("a transform of length %i is what its definition says, and its own inverse", (length) => {
  const [real, imaginary] = [0, 1].map((part) =>
    Float64Array.from({ length }, (_, index) => Math.sin(index * 1.7 + part) + Math.cos(index * index * 0.3)),
  );
  if (real === undefined || imaginary === undefined) throw new Error("There are two parts.");
  const expected = [0, 1, length - 1].map((frequency) => {
    let [sumReal, sumImaginary] = [0, 0];
    for (let index = 0; index < length; index += 1) {
      const angle = (-2 * Math.PI * frequency * index) / length;
      const [re, im] = [real[index] ?? 0, imaginary[index] ?? 0];
      sumReal += re * Math.cos(angle) - im * Math.sin(angle);
      sumImaginary += re * Math.sin(angle) + im * Math.cos(angle);
    }
    return { frequency, sumReal, sumImaginary };
  });
  const [re, im] = [real.slice(), imaginary.slice()];
  const fourier = createFourier(length);
  fourier.transform(re, im, "forward");
  for (const { frequency, sumReal, sumImaginary } of expected) {
    expect(re[frequency]).toBeCloseTo(sumReal, 6);
    expect(im[frequency]).toBeCloseTo(sumImaginary, 6);
  }
  fourier.transform(re, im, "backward");
  for (let index = 0; index < length; index += 1) expect((re[index] ?? 0) / length).toBeCloseTo(real[index] ?? 0, 8);
});

test("a length with another prime factor is refused", () => {
  expect(() => createFourier(14)).toThrow("14 is not a product");
});
