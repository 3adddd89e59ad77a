import { expect, test } from "vitest";
import { findAddress } from "./upstream-calls.ts";

test.each([
  ["connect ECONNREFUSED 10.0.0.7:8000", "ECONNREFUSED"],
  ["fetch https://inner.example/v1/chat failed", "https://inner.example/v1/chat"],
  ["no route to 192.168.1.20", "192.168.1.20"],
  ["gpu-3.internal:8080 is down", "gpu-3.internal:8080"],
  ["Localhost refused", "Localhost"],
])("%s discloses the upstream's address", (text, address) => {
  expect(findAddress(text)).toBe(address);
});

test.each([
  '{"error":{"message":"The service behind this model does not answer.","type":"server_error","param":null,"code":"upstream_unreachable"}}',
  "The upstream failed twice (503). Please try again in 5s. Request req_0a1b-22:c.",
  '{"status":503,"retries":2}',
])("%s discloses nothing", (text) => {
  expect(findAddress(text)).toBeUndefined();
});
