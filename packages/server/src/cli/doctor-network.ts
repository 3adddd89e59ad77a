/** What is outside this process: the issuer's keys, the clocks of other servers, and the port. */

import type { Config } from "../config.ts";
import type { Finding, TimedFinding } from "./doctor-finding.ts";
import { ANSWER_TIMEOUT_MS, requestFinding } from "./doctor-request.ts";
import { tryPort } from "./try-port.ts";

/** Of a `date` header, which counts in seconds and travels for a while. */
const DATE_RESOLUTION_MS = 2000;

/** @param models what was found of the models, whose upstreams' clocks count too. */
export async function examineNetwork(config: Config, models: readonly TimedFinding[]): Promise<readonly Finding[]> {
  const issuer = config.auth.jwksUrl === null ? [] : [await examineKeySet(config.auth.jwksUrl)];
  const clock = evaluateClock([...models, ...issuer], config.auth.clockToleranceSeconds);
  return [...issuer, ...clock, await examinePort(config)];
}

function examineKeySet(url: string): Promise<TimedFinding> {
  const about = "issuer's keys";
  return requestFinding(about, url, {
    headers: {},
    evaluate: (status) =>
      status === 200
        ? { about, status: "ok", message: "the issuer answers" }
        : { about, status: "fail", message: `auth.jwksUrl answers ${status}` },
  });
}

function evaluateClock(asked: readonly TimedFinding[], toleranceSeconds: number): readonly Finding[] {
  const about = "clock";
  const differences = asked.flatMap(({ clockAheadMs }) => (clockAheadMs === undefined ? [] : [clockAheadMs]));
  if (differences.length === 0) return [];
  const widest = differences.reduce((widestMs, ms) => (Math.abs(ms) > Math.abs(widestMs) ? ms : widestMs));
  if (Math.abs(widest) <= toleranceSeconds * 1000 + DATE_RESOLUTION_MS) {
    return [{ about, status: "ok", message: "it agrees with the others'" }];
  }
  const seconds = Math.round(Math.abs(widest) / 1000);
  const message = `it is ${seconds} s ${widest > 0 ? "behind" : "ahead of"} another server's: set it by NTP, or tokens are refused`;
  return [{ about, status: "warn", message }];
}

async function examinePort({ host, port }: Config): Promise<Finding> {
  const about = "port";
  const thrown = await tryPort(host, port);
  if (thrown === null) return { about, status: "ok", message: port === 0 ? "any free one" : `${host}:${port} is free` };
  if (!("code" in thrown) || thrown.code !== "EADDRINUSE") {
    return { about, status: "fail", message: `${host}:${port} can't be listened on: ${thrown.message}` };
  }
  if (await isServedByUs(host, port)) {
    return { about, status: "warn", message: `${host}:${port} is taken by a server of this kind that runs` };
  }
  const message = `${host}:${port} is taken by another program: choose another with --port`;
  return { about, status: "fail", message };
}

/** The health endpoint's format; any other answer is from another program. */
async function isServedByUs(host: string, port: number): Promise<boolean> {
  const name = host.includes(":") ? `[${host}]` : host;
  return fetch(`http://${name}:${port}/healthz`, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) }).then(
    async (response) => (await response.text()) === '{"status":"ok"}',
    () => false,
  );
}
