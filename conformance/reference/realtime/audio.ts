/** What the reference server hears in a session's audio: how long it is, and where something sounds in it. */

/** From here on it sounds; the noise of a recording is below. */
const LOUD = 2000;
const WINDOW_MS = 20;

export interface AudioFormat {
  readonly type: string;
  readonly bytesPerMs: number;
  /** The magnitude of the sample at this byte. */
  readonly magnitude: (bytes: Uint8Array, at: number) => number;
  readonly bytesPerSample: number;
}

/** ITU-T G.711. */
function magnitudeOfMuLaw(byte: number): number {
  const code = ~byte & 0xff;
  return ((((code & 0x0f) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84;
}

function magnitudeOfALaw(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 0x07;
  const mantissa = ((code & 0x0f) << 4) + 8;
  return exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
}

function magnitudeOfPcm(bytes: Uint8Array, at: number): number {
  const sample = ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8)) << 16;
  return Math.abs(sample >> 16);
}

/** By `audio.input.format.type`. */
export const AUDIO_FORMATS: Readonly<Record<string, AudioFormat>> = {
  "audio/pcm": { type: "audio/pcm", bytesPerMs: 48, bytesPerSample: 2, magnitude: magnitudeOfPcm },
  "audio/pcmu": {
    type: "audio/pcmu",
    bytesPerMs: 8,
    bytesPerSample: 1,
    magnitude: (bytes, at) => magnitudeOfMuLaw(bytes[at] ?? 0xff),
  },
  "audio/pcma": {
    type: "audio/pcma",
    bytesPerMs: 8,
    bytesPerSample: 1,
    magnitude: (bytes, at) => magnitudeOfALaw(bytes[at] ?? 0xd5),
  },
};

/** For each window whether it sounds; an incomplete one at the end is left out. */
export function listLoudWindows(bytes: Uint8Array, format: AudioFormat): readonly boolean[] {
  const windowBytes = format.bytesPerMs * WINDOW_MS;
  return Array.from({ length: Math.floor(bytes.length / windowBytes) }, (_, index) => {
    for (let at = index * windowBytes; at < (index + 1) * windowBytes; at += format.bytesPerSample) {
      if (format.magnitude(bytes, at) >= LOUD) return true;
    }
    return false;
  });
}

export interface Speech {
  readonly startMs: number;
  /** The end of the last sound; null while the pause after it is too short. */
  readonly endMs: number | null;
}

/** The first stretch in which somebody speaks. */
export function findSpeech(bytes: Uint8Array, format: AudioFormat, silenceMs: number): Speech | null {
  const windows = listLoudWindows(bytes, format);
  const first = windows.indexOf(true);
  if (first === -1) return null;
  let last = first;
  for (const [index, isLoud] of windows.entries()) {
    if (index < first) continue;
    if (isLoud) last = index;
    else if ((index - last) * WINDOW_MS >= silenceMs) break;
  }
  const endMs = (last + 1) * WINDOW_MS;
  const isOver = windows.length * WINDOW_MS - endMs >= silenceMs;
  return { startMs: first * WINDOW_MS, endMs: isOver ? endMs : null };
}
