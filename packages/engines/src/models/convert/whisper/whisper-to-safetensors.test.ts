import { open, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { writeTinyCheckpoint } from "../../../whisper/testing/tiny-checkpoint.ts";
import { openWhisperCheckpoint } from "../../../whisper/whisper-checkpoint.ts";
import { makeTemporaryDirectory } from "../../testing/temporary-directory.ts";
import { readCt2Floats, readCt2Variables } from "./ct2-reader.ts";
import { convertWhisperToSafetensors } from "./whisper-to-safetensors.ts";

test("a checkpoint keeps its sizes, tokens and weights, each block within half a step of its scale", async () => {
  await using directory = await makeTemporaryDirectory();
  const source = await writeTinyCheckpoint(directory.path);
  const targetPath = path.join(directory.path, "out.safetensors");
  const written = await convertWhisperToSafetensors({ ...source, targetPath });
  const again = await convertWhisperToSafetensors({ ...source, targetPath });
  expect(again).toEqual(written);
  const { config, textTokens, tensors } = await openWhisperCheckpoint(targetPath);
  expect(config).toMatchObject({
    width: 64,
    heads: 1,
    encoderLayers: 1,
    decoderLayers: 1,
    mels: 80,
    isMultilingual: true,
  });
  expect(config.tokens.endOfText).toBe(source.idOf("<|endoftext|>"));
  expect(Object.keys(config.languages)).toEqual(["en", "de", "es", "jw"]);
  expect(textTokens[source.idOf("Ġsea")]?.toString()).toBe(" sea");

  const name = "decoder/layer_0/ffn/linear_0/weight";
  const [values, scales] = [tensors.get(name), tensors.get(`${name}_scale`)];
  const bytes = await readFile(targetPath);
  await using file = await open(source.weightsPath, "r");
  const variable = (await readCt2Variables(file)).get(name);
  if (variable === undefined || values === undefined || scales === undefined) throw new Error("A tensor is missing.");
  const original = await readCt2Floats(file, variable, { from: 0, count: 64 });
  const scale = bytes.readFloatLE(scales.start);
  for (const [index, weight] of original.entries()) {
    const stored = ((bytes[values.start + index] ?? 0) - 128) * scale;
    expect(Math.abs(stored - weight)).toBeLessThanOrEqual(scale * 0.501);
  }
});

test("damaged weights are refused, wherever they are cut or changed", async () => {
  await using directory = await makeTemporaryDirectory();
  const source = await writeTinyCheckpoint(directory.path);
  const whole = await readFile(source.weightsPath);
  const damaged = path.join(directory.path, "damaged.bin");
  const convert = async (bytes: Uint8Array) => {
    await writeFile(damaged, bytes);
    return convertWhisperToSafetensors({ ...source, weightsPath: damaged, targetPath: `${damaged}.out` });
  };
  for (const length of [0, 3, 20, 100, 5000, Math.floor(whole.length / 2), whole.length - 100]) {
    await expect(convert(whole.subarray(0, length))).rejects.toMatchObject({ code: "invalid_value" });
  }
  for (const at of [0, 4, 8, 20, 24, 26]) {
    const bytes = Buffer.from(whole);
    bytes.fill(0xff, at, at + 4);
    await expect(convert(bytes)).rejects.toMatchObject({ code: "invalid_value" });
  }
});

test("a vocabulary or a configuration that lacks something is refused by name", async () => {
  await using directory = await makeTemporaryDirectory();
  const source = await writeTinyCheckpoint(directory.path);
  const targetPath = path.join(directory.path, "out.safetensors");
  const vocabulary = (await readFile(source.vocabularyPath, "utf8")).replace("<|nospeech|>", "<|other|>");
  await writeFile(source.vocabularyPath, vocabulary);
  await expect(convertWhisperToSafetensors({ ...source, targetPath })).rejects.toThrow("nocaptions");
  await writeFile(source.vocabularyPath, vocabulary.replace("<|other|>", "<|nospeech|>"));
  await writeFile(source.configPath, "{}");
  await expect(convertWhisperToSafetensors({ ...source, targetPath })).rejects.toThrow("config.json");
});
