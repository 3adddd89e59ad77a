import { expect, test } from "vitest";
import { formatFigures, resolveFigures } from "./figures.ts";

const rounds = [
  { direct: { jsonPerSecond: 900 }, bare: { jsonPerSecond: 200, jsonCpuMs: 0.3 }, ours: { jsonPerSecond: 180 } },
  { direct: { jsonPerSecond: 700 }, bare: { jsonPerSecond: 100, jsonCpuMs: 0.5 }, ours: { jsonPerSecond: 80 } },
  { direct: { jsonPerSecond: 800 }, bare: { jsonPerSecond: 100, jsonCpuMs: 0.4 }, ours: { jsonPerSecond: 90 } },
];

test("a figure is the median over the rounds, its ratio the median of the rounds' ratios", () => {
  expect(resolveFigures(rounds)[0]).toMatchObject({ direct: 800, bare: 100, ours: 90, ratio: 0.9, rounds: 3 });
});

test("a target is judged by what it speaks of, and not at all where that was not measured", () => {
  const [perSecond, cpu] = resolveFigures(rounds);
  expect(perSecond).toMatchObject({ target: "ours : bare ≥ 0.5", meets: true });
  expect(cpu).toMatchObject({ bare: 0.4, ours: null, ratio: null, target: "≤ 0.15", meets: null });
  expect(resolveFigures([{ ours: { jsonCpuMs: 0.16 } }])[0]).toMatchObject({ ours: 0.16, meets: false });
  expect(resolveFigures([{ ours: { closedPercent: 99 } }])[0]).toMatchObject({ meets: false });
});

test("what no round measured is no figure", () => {
  expect(resolveFigures(rounds).map((figure) => figure.unit)).toEqual(["requests/s", "ms/request"]);
});

test("the table says what was met and leaves out what was not measured", () => {
  const [, perSecond, cpu] = formatFigures(resolveFigures(rounds)).split("\n");
  expect(perSecond).toMatch(/requests\/s +800 +100 +90\.0 +0\.90 +ours : bare ≥ 0\.5 +met +3$/);
  expect(cpu).toMatch(/ms\/request +0\.400 +≤ 0\.15 +3$/);
});
