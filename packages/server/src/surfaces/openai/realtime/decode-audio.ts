/** The audio of an append: base64 of up to 15 MiB, which is decoded in slices, like everything of that size. */

import { AiError } from "@openai-compat/core";
import type { WorkSlices } from "@openai-compat/core";

/** A multiple of four, so that each piece is base64 by itself. */
const PIECE_CHARACTERS = 64 * 1024;

const PIECE = /^[\d+/A-Za-z]*$/;
/** The last characters may be padded; clients that leave the padding out are understood. */
const LAST_PIECE = /^[\d+/A-Za-z]*={0,2}$/;

/** @throws AiError `invalid_value`; what `slices` throws */
export async function decodeAudio(text: string, slices: WorkSlices): Promise<Uint8Array> {
  const bytes = Buffer.allocUnsafe(Math.ceil((text.length * 3) / 4));
  let length = 0;
  for (let at = 0; at < text.length; at += PIECE_CHARACTERS) {
    const piece = text.slice(at, at + PIECE_CHARACTERS);
    const isLast = at + PIECE_CHARACTERS >= text.length;
    if (!(isLast ? LAST_PIECE : PIECE).test(piece) || piece.length % 4 === 1) throw notBase64();
    length += bytes.write(piece, length, "base64");
    if (slices.isOver) await slices.next();
  }
  return bytes.subarray(0, length);
}

function notBase64(): AiError {
  const message = "Invalid 'audio'. Expected base64-encoded audio bytes but got an invalid value.";
  return new AiError("invalid_value", message, { param: "audio" });
}
