/** Reads a body as text, up to a limit. */

export interface BoundedText {
  readonly text: string;
  /** False where the body was longer; the rest is not read. */
  readonly isWhole: boolean;
}

export async function readText(response: Response, bytesMax: number): Promise<BoundedText> {
  const { headers, body } = response;
  const length = headers.get("content-length");
  // A compressed body can be any times longer than its length says.
  if (length !== null && headers.get("content-encoding") === null && Number(length) <= bytesMax) {
    return { text: await response.text(), isWhole: true };
  }
  if (body === null) return { text: "", isWhole: true };
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const pieces: string[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: pieces.join("") + decoder.decode(), isWhole: true };
    bytes += value.length;
    if (bytes > bytesMax) {
      await reader.cancel();
      return { text: pieces.join(""), isWhole: false };
    }
    pieces.push(decoder.decode(value, { stream: true }));
  }
}
