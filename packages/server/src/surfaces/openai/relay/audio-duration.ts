/** How long a recording is, by what its container says, so that it can be priced before anybody listens to it. */

/** No speech codec in use spends fewer bits on a second: bounds what can't be measured from above. */
const BITS_PER_SECOND_MIN = 6000;
const BITS_PER_BYTE = 8;

/** Milliseconds, rounded up; for bytes whose container is unknown, the most that they can be. */
export async function measureAudioMs(bytes: Uint8Array): Promise<number> {
  // Loaded with the first recording.
  const { parseBuffer } = await import("music-metadata");
  try {
    const { format } = await parseBuffer(bytes, undefined, { duration: true, skipCovers: true });
    if (format.duration !== undefined && Number.isFinite(format.duration)) return Math.ceil(format.duration * 1000);
  } catch {
    // Not a container that it knows, or a broken one: the upstream will say so; the bound below holds either way.
  }
  return Math.ceil((bytes.length * BITS_PER_BYTE * 1000) / BITS_PER_SECOND_MIN);
}
