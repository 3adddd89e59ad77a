/**
 * When each word is spoken: the cross attention of the alignment heads says which part of the audio the model attends to
 * for each token, and dynamic time warping finds the path through it.
 *
 * Method: https://github.com/openai/whisper/blob/main/whisper/timing.py
 */

import type { WhisperConfig } from "./whisper-config.ts";
import { POSITION_SAMPLES } from "./whisper-model.ts";
import type { WhisperText } from "./whisper-text.ts";

const MEDIAN_WIDTH = 7;

export interface TimedWord {
  readonly word: string;
  /** From the start of the window, at 16 kHz. */
  readonly startSample: number;
  readonly endSample: number;
  /** Index of its first token in the window's tokens. */
  readonly tokenIndex: number;
}

export interface AlignedText {
  readonly tokens: readonly number[];
  /** Of the step that gave each token and the end of the text: a share for each position, by alignment head. */
  readonly attention: readonly (readonly Float32Array[])[];
  /** Of the window, without padding. */
  readonly samples: number;
}

/** The words in order; none starts before the last one. */
export function timeWords(
  { tokens, attention, samples }: AlignedText,
  { endOfText }: WhisperConfig["tokens"],
  text: WhisperText,
): readonly TimedWord[] {
  const indices = tokens.flatMap((token, index) => (token < endOfText ? [index] : []));
  const last = attention[tokens.length] ?? attention.at(-1);
  const rows = indices.map((index) => attention[index] ?? []);
  const positions = Math.min(Math.ceil(samples / POSITION_SAMPLES), rows[0]?.[0]?.length ?? 0);
  if (last === undefined || positions === 0) return [];
  const begins = findPath(scoreRows([...rows, last], positions));
  const sampleAt = (row: number): number => Math.min(samples, (begins[row] ?? positions) * POSITION_SAMPLES);
  const words: TimedWord[] = [];
  let pending: number[] = [];
  for (const [row, index] of indices.entries()) {
    pending.push(tokens[index] ?? 0);
    const piece = text.decode(pending);
    // Part of a character.
    if (piece.includes("\uFFFD") && row + 1 < indices.length) continue;
    const endSample = sampleAt(row + 1);
    const previous = words.at(-1);
    if (previous !== undefined && (!/^\s/.test(piece) || /^\s*[\p{P}\p{S}]+$/u.test(piece))) {
      words[words.length - 1] = { ...previous, word: previous.word + piece.trim(), endSample };
    } else {
      const firstRow = row + 1 - pending.length;
      const tokenIndex = indices[firstRow] ?? index;
      words.push({ word: piece.trim(), startSample: sampleAt(firstRow), endSample, tokenIndex });
    }
    pending = [];
  }
  return words.filter(({ word }) => word !== "");
}

/** How well each token fits each position: normalised by token, smoothed, averaged over the heads. */
function scoreRows(rows: readonly (readonly Float32Array[])[], positions: number): readonly Float64Array[] {
  const heads = rows[0]?.length ?? 0;
  const scores = rows.map(() => new Float64Array(positions));
  for (let head = 0; head < heads; head += 1) {
    const shares = rows.map((row) => normaliseRow(row[head] ?? new Float32Array(positions), positions));
    standardiseColumns(shares, positions);
    for (const [index, share] of shares.entries()) {
      const score = scores[index];
      if (score === undefined) continue;
      for (const [position, value] of smooth(share).entries()) score[position] = (score[position] ?? 0) + value / heads;
    }
  }
  return scores;
}

function normaliseRow(row: Float32Array, positions: number): Float64Array {
  const share = Float64Array.from(row.subarray(0, positions));
  const sum = share.reduce((total, value) => total + value, 0) || 1;
  return share.map((value) => value / sum);
}

function standardiseColumns(rows: readonly Float64Array[], positions: number): void {
  for (let position = 0; position < positions; position += 1) {
    const column = rows.map((row) => row[position] ?? 0);
    const mean = column.reduce((total, value) => total + value, 0) / column.length;
    const variance = column.reduce((total, value) => total + (value - mean) ** 2, 0) / column.length;
    const deviation = Math.sqrt(variance) || 1;
    for (const [index, row] of rows.entries()) row[position] = ((column[index] ?? 0) - mean) / deviation;
  }
}

/** A running median, mirrored at the ends. */
function smooth(row: Float64Array): Float64Array {
  const half = (MEDIAN_WIDTH - 1) / 2;
  const end = row.length - 1;
  const near = new Float64Array(MEDIAN_WIDTH);
  return row.map((_, position) => {
    for (let offset = -half; offset <= half; offset += 1) {
      const mirrored = end - Math.abs(end - Math.abs(position + offset));
      near[offset + half] = row[Math.max(0, mirrored)] ?? 0;
    }
    return sortInPlace(near)[half] ?? 0;
  });
}

/** By insertion, which is the fastest for so few. */
function sortInPlace(values: Float64Array): Float64Array {
  for (let end = 1; end < values.length; end += 1) {
    const value = values[end] ?? 0;
    let at = end;
    for (; at > 0 && (values[at - 1] ?? 0) > value; at -= 1) values[at] = values[at - 1] ?? 0;
    values[at] = value;
  }
  return values;
}

/** Dynamic time warping. @returns the position at which each row begins */
function findPath(scores: readonly Float64Array[]): readonly number[] {
  const columns = scores[0]?.length ?? 0;
  const width = columns + 1;
  const [diagonal, up, left] = [0, 1, 2];
  const steps = new Uint8Array((scores.length + 1) * width);
  let above = new Float64Array(width).fill(-Infinity);
  above[0] = 0;
  for (const [index, row] of scores.entries()) {
    const current = new Float64Array(width).fill(-Infinity);
    for (let column = 1; column <= columns; column += 1) {
      const [fromDiagonal, fromUp, fromLeft] = [above[column - 1] ?? 0, above[column] ?? 0, current[column - 1] ?? 0];
      const best = Math.max(fromDiagonal, fromUp, fromLeft);
      steps[(index + 1) * width + column] = best === fromLeft ? left : best === fromUp ? up : diagonal;
      current[column] = best + (row[column - 1] ?? 0);
    }
    above = current;
  }
  const begins = scores.map(() => 0);
  for (let [row, column] = [scores.length, columns]; row > 0 && column > 0;) {
    begins[row - 1] = column - 1;
    const step = steps[row * width + column];
    if (step !== left) row -= 1;
    if (step !== up) column -= 1;
  }
  return begins;
}
