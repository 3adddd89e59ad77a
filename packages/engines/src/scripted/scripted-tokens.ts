/**
 * The tokens of the scripted engine: word-like pieces, packed into numbers that can be turned back without a
 * vocabulary. A role is a number of its own, so no text can encode one.
 */

import type { ChatMessage, ChatRole, WorkSlices } from "@openai-compat/core";

const ROLE_TOKENS: Readonly<Record<ChatRole, number>> = { system: 2, user: 3, assistant: 4, tool: 5 };
/** Precedes an empty text. */
export const DOCUMENT_TOKEN = 6;
/** One more than the largest token: 1 and six bytes. */
export const TOKENS_END = 2 ** 49;
/** A 1 in front of the bytes keeps their count; 1 + 6 bytes stay below 2⁵³. */
const PIECE_BYTES_MAX = 6;
const PIECE_MARK = 1;

const WORD_LIKE = /\s*[\p{L}\p{N}\p{M}]+|\s*[^\s\p{L}\p{N}\p{M}]|\s+/gu;

const utf8 = new TextEncoder();

/** Words of up to six bytes, the space before them included, are one token; longer ones are several. */
export function encodeText(text: string): number[] {
  return Array.from(splitPieces(text), encodePiece);
}

/** The same for a text of any length. @throws what `slices` throws */
export async function encodeTextInSlices(text: string, slices: WorkSlices): Promise<number[]> {
  const tokens: number[] = [];
  for (const piece of splitPieces(text)) {
    tokens.push(encodePiece(piece));
    if (tokens.length % PIECES_PER_LOOK === 0 && slices.isOver) await slices.next();
  }
  return tokens;
}

/** Pieces between two checks of the clock. */
const PIECES_PER_LOOK = 64;

/**
 * Each message is a role token and its text; the assistant's role token at the end starts the answer.
 *
 * @throws what `slices` throws
 */
export async function encodeConversation(messages: readonly ChatMessage[], slices: WorkSlices): Promise<number[]> {
  const tokens: number[] = [];
  for (const message of messages) {
    if (slices.isOver) await slices.next();
    tokens.push(ROLE_TOKENS[message.role]);
    for (const token of await encodeTextInSlices(message.content, slices)) tokens.push(token);
  }
  tokens.push(ROLE_TOKENS.assistant);
  return tokens;
}

export interface DecodedMessage {
  readonly role: ChatRole;
  readonly text: string;
}

export function decodeConversation(tokens: readonly number[]): DecodedMessage[] {
  const messages: { role: ChatRole; text: string }[] = [];
  for (const token of tokens) {
    const role = decodeRole(token);
    const last = messages.at(-1);
    if (role !== null) messages.push({ role, text: "" });
    else if (last !== undefined) last.text += decodeToken(token);
  }
  return messages;
}

/** The text of one token; whole code points always. */
export function decodeToken(token: number): string {
  const bytes: number[] = [];
  for (let rest = token; rest >= 256; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return Buffer.from(bytes).toString("utf8");
}

/** Whether this id is the token of some text. */
export function isTextToken(token: number): boolean {
  if (!Number.isInteger(token) || token < 2 ** 8 || token >= TOKENS_END) return false;
  const text = decodeToken(token);
  return !text.includes("\uFFFD") && encodePiece(utf8.encode(text)) === token;
}

function decodeRole(token: number): ChatRole | null {
  switch (token) {
    case ROLE_TOKENS.system:
      return "system";
    case ROLE_TOKENS.user:
      return "user";
    case ROLE_TOKENS.assistant:
      return "assistant";
    case ROLE_TOKENS.tool:
      return "tool";
    default:
      return null;
  }
}

function* splitPieces(text: string): Generator<Uint8Array, void> {
  for (const [word] of text.toWellFormed().matchAll(WORD_LIKE)) {
    let piece: number[] = [];
    for (const character of word) {
      const bytes = utf8.encode(character);
      if (piece.length + bytes.length > PIECE_BYTES_MAX) {
        yield Uint8Array.from(piece);
        piece = [];
      }
      piece.push(...bytes);
    }
    yield Uint8Array.from(piece);
  }
}

function encodePiece(piece: Uint8Array): number {
  return piece.reduce((value, byte) => value * 256 + byte, PIECE_MARK);
}
