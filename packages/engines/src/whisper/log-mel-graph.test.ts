import { expect, test } from "vitest";
import { importOnnxRuntime, openOnnxSession } from "../onnx/onnx-runtime.ts";
import { buildLogMelGraph } from "./log-mel-graph.ts";

/** Band, frame, value: what faster-whisper 1.2.1 computes of the same samples without padding. */
const REFERENCE = [
  [0, 0, 0.3253],
  [10, 0, 0.5451],
  [10, 25, -0.5637],
  [20, 50, 0.8019],
  [40, 50, -0.2234],
  [60, 75, -0.5637],
  [79, 99, -0.0645],
  [5, 99, -0.036],
  [33, 12, -0.5637],
] as const;
const FRAMES = 100;

test("the spectrogram of a chirp is that of another implementation", async () => {
  const runtime = await importOnnxRuntime();
  const session = await openOnnxSession(runtime, { model: buildLogMelGraph(80), threads: 1 });
  const samples = Float32Array.from(
    { length: 16_000 },
    (_, index) => 0.5 * Math.sin((index * index) / 20_000) + 0.1 * Math.sin(index / 3),
  );
  const { mel } = await session.run({ audio: new runtime.Tensor("float32", samples, [samples.length]) });
  await session.release();
  expect(mel?.dims).toEqual([1, 80, FRAMES]);
  for (const [band, frame, value] of REFERENCE) expect(mel?.data[band * FRAMES + frame]).toBeCloseTo(value, 3);
});
