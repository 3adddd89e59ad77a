/** Segments as subtitles: SubRip, and WebVTT (https://www.w3.org/TR/webvtt1/). */

import type { TranscribedSegment } from "@openai-compat/core";

export function encodeSrt(segments: readonly TranscribedSegment[]): string {
  return segments
    .map(({ startMs, endMs, text }, index) => {
      const times = `${encodeTime(startMs, ",")} --> ${encodeTime(endMs, ",")}`;
      return `${index + 1}\n${times}\n${encodeLine(text)}\n\n`;
    })
    .join("");
}

export function encodeVtt(segments: readonly TranscribedSegment[]): string {
  const cues = segments.map(({ startMs, endMs, text }) => {
    const escaped = encodeLine(text).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
    return `${encodeTime(startMs, ".")} --> ${encodeTime(endMs, ".")}\n${escaped}\n\n`;
  });
  return `WEBVTT\n\n${cues.join("")}`;
}

/** A blank line would end the subtitle, and an arrow looks like times. */
function encodeLine(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ").replaceAll("-->", "->");
}

const MS_PER_SECOND = 1000;
const MS_PER_MINUTE = 60_000;
const MS_PER_HOUR = 3_600_000;

function encodeTime(timeMs: number, separator: string): string {
  const pad = (value: number, digits = 2) => String(Math.floor(value)).padStart(digits, "0");
  const [hours, minutes, seconds] = [
    timeMs / MS_PER_HOUR,
    (timeMs % MS_PER_HOUR) / MS_PER_MINUTE,
    (timeMs % MS_PER_MINUTE) / MS_PER_SECOND,
  ];
  return `${pad(hours)}:${pad(minutes)}:${pad(seconds)}${separator}${pad(timeMs % MS_PER_SECOND, 3)}`;
}
