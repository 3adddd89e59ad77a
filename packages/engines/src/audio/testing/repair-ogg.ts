/** Gives the pages of a changed Ogg file right checksums, so that what is wrong in them reaches the decoder. */

import { checksumOf } from "../ogg-pages.ts";

export function repairOgg(bytes: Uint8Array): Uint8Array {
  const file = Buffer.from(bytes);
  for (let at = file.indexOf("OggS"); at >= 0; at = file.indexOf("OggS", at + 4)) {
    const bodyAt = at + 27 + (file[at + 26] ?? 0);
    const end = bodyAt + file.subarray(at + 27, bodyAt).reduce((sum, length) => sum + length, 0);
    if (end <= file.length) file.writeUInt32LE(checksumOf(file.subarray(at, end)), at + 22);
  }
  return new Uint8Array(file);
}
