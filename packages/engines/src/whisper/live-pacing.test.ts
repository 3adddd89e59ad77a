import { expect, test } from "vitest";
import { LivePacing } from "./live-pacing.ts";

const SECOND = 16_000;

/** Speech from the start until `spokenS`, and audio until `detectedS`. */
function growing(detectedS: number, spokenS = detectedS, stalledMs = 0) {
  const [spokenTo, detectedTo] = [spokenS * SECOND, detectedS * SECOND];
  return { growing: { startSample: 0, endSample: detectedTo, spokenTo, detectedTo }, stalledMs };
}

test("a draft needs new audio, and at first more of it", () => {
  const pacing = new LivePacing();
  expect(pacing.untilPassMs(growing(1), 0)).toBe(Infinity);
  expect(pacing.untilPassMs(growing(1.2), 0)).toBe(0);
  pacing.begin(growing(1.2), 0);
  pacing.end(0);
  expect(pacing.untilPassMs(growing(1.8), 0)).toBe(Infinity);
  expect(pacing.untilPassMs(growing(1.95), 0)).toBe(0);
});

test("drafts take half of a turn's time at most", () => {
  const pacing = new LivePacing();
  pacing.begin(growing(2), 1000);
  pacing.end(4000);
  expect(pacing.untilPassMs(growing(6), 4000)).toBe(3000);
  expect(pacing.untilPassMs(growing(6), 7000)).toBe(0);
});

test("a pause has one pass of final quality, at once; what is spoken after it has another", () => {
  const pacing = new LivePacing();
  pacing.begin(growing(2), 0);
  pacing.end(10_000);
  const pause = growing(2.4, 2.1);
  expect(pacing.qualityOf(growing(2.3, 2.1))).toBe("draft");
  expect(pacing.qualityOf(pause)).toBe("final");
  expect(pacing.untilPassMs(pause, 10_000)).toBe(0);
  pacing.begin(pause, 10_000);
  pacing.end(10_500);
  expect(pacing.untilPassMs(growing(9, 2.1), 60_000)).toBe(Infinity);
  expect(pacing.untilPassMs(growing(4, 3.7), 60_000)).toBe(0);
});

test("a text is settled after a second without speech", () => {
  const pacing = new LivePacing();
  expect(pacing.isSettled(growing(2.9, 2))).toBe(false);
  expect(pacing.isSettled(growing(3, 2))).toBe(true);
});

test("audio that does not come for two seconds is silence, in which the last word may be cut", () => {
  const pacing = new LivePacing();
  expect(pacing.qualityOf(growing(2, 2, 2000))).toBe("draft");
  expect(pacing.untilPauseMs(growing(2, 2, 500))).toBe(1800);
  expect(pacing.untilPauseMs(growing(2, 2, 2100))).toBe(200);
  expect(pacing.untilPassMs(growing(2, 2, 2300), 0)).toBe(0);
  expect(pacing.qualityOf(growing(2, 2, 2300))).toBe("final");
  expect(pacing.untilPauseMs(growing(2.1, 2, 2300))).toBe(600);
  expect(pacing.untilPauseMs(growing(2, 2, 3000))).toBe(Infinity);
  expect(pacing.isSettled(growing(2, 2, 3000))).toBe(true);
  expect(pacing.isSpokenOut(growing(2, 2, 5000))).toBe(false);
  expect(pacing.isSpokenOut(growing(2.5, 2, 0))).toBe(true);
});
