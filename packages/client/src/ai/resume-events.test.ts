/** Subscriptions whose connection is lost, over real sockets. */

import { expect, test } from "vitest";
import { ClientError } from "../index.ts";
import { startEventServer } from "../testing/event-server.ts";
import type { Arrival } from "../testing/event-server.ts";

type Client = Awaited<ReturnType<typeof startEventServer>>["client"];

/** The texts of a stream, and what it threw. */
async function readStream({ ai }: Client, signal?: AbortSignal) {
  const texts: string[] = [];
  try {
    for await (const event of ai.promptStream({ prompt: "Hello." }, signal === undefined ? {} : { signal })) {
      if (event.type === "text-delta") texts.push(event.text);
    }
  } catch (thrown) {
    if (thrown instanceof ClientError) return { texts, error: thrown };
    throw thrown;
  }
  return { texts, error: null };
}

function nativeError(code: string, httpStatus: number) {
  return {
    message: "No.",
    code: -32_000,
    data: { code, type: "server_error", param: null, httpStatus, requestId: "r" },
  };
}

const afterEvents = (arrival: Arrival) => setTimeout(() => arrival.drop(), 20);

test("a lost connection is opened again behind the last event, and no text is lost or repeated", async () => {
  const { client, arrivals } = await startEventServer((arrival, index) => {
    if (index === 0) {
      arrival.send([0, 1, 2]);
      afterEvents(arrival);
    } else if (index === 1) {
      arrival.send([3]);
      afterEvents(arrival);
    } else {
      arrival.send([4, 5]);
      arrival.end();
    }
  });
  expect(await readStream(client)).toEqual({ texts: ["0", "1", "2", "3", "4", "5"], error: null });
  expect(arrivals.map(({ lastEventId }) => lastEventId)).toEqual([null, "run:2", "run:3"]);
  expect(arrivals[1]?.body).toEqual({ prompt: "Hello." });
});

test("an answer that ends before its events do counts as lost", async () => {
  const { client, arrivals } = await startEventServer((arrival, index) => {
    arrival.send([index]);
    if (index === 0) arrival.write("data: {");
    if (index === 0) afterEvents(arrival);
    else arrival.end();
  });
  expect(await readStream(client)).toEqual({ texts: ["0", "1"], error: null });
  expect(arrivals).toHaveLength(2);
});

test("a run that the server no longer has ends with the server's error", async () => {
  const { client, arrivals } = await startEventServer((arrival, index) => {
    if (index > 0) {
      arrival.refuse(410, { error: nativeError("subscription_lost", 410) });
      return;
    }
    arrival.send([0]);
    afterEvents(arrival);
  });
  const { texts, error } = await readStream(client);
  expect(texts).toEqual(["0"]);
  expect(error).toMatchObject({ kind: "api", code: "subscription_lost", status: 410 });
  // Nothing is left to cancel.
  expect(arrivals.map(({ path }) => path)).toEqual(["/trpc/promptStream", "/trpc/promptStream"]);
});

test("a server that does not come back in time ends the subscription with a typed error", async () => {
  const { client, arrivals } = await startEventServer(
    (arrival, index) => {
      if (index === 0) arrival.send([0]);
      afterEvents(arrival);
    },
    { reconnectMs: 300 },
  );
  const { texts, error } = await readStream(client);
  expect(texts).toEqual(["0"]);
  expect(error).toMatchObject({ kind: "connection", code: "subscription_lost", retryable: true });
  expect(arrivals.length).toBeGreaterThan(2);
});

test("a server that takes a new connection and then says nothing is given up too", async () => {
  const { client } = await startEventServer(
    (arrival, index) => {
      if (index > 0) return;
      arrival.send([0]);
      afterEvents(arrival);
    },
    { reconnectMs: 200 },
  );
  expect((await readStream(client)).error).toMatchObject({ code: "subscription_lost" });
});

test("while a proxy answers for a server that starts, the client goes on trying", async () => {
  const { client, arrivals } = await startEventServer((arrival, index) => {
    if (index === 1) arrival.refuse(503, "starting");
    else if (index === 0) {
      arrival.send([0]);
      afterEvents(arrival);
    } else {
      arrival.send([1]);
      arrival.end();
    }
  });
  expect(await readStream(client)).toEqual({ texts: ["0", "1"], error: null });
  expect(arrivals.map(({ lastEventId }) => lastEventId)).toEqual([null, "run:0", "run:0"]);
});

test("a connection that is silent for longer than the server says is opened again", async () => {
  const { client, arrivals } = await startEventServer((arrival, index) => {
    if (index > 0) arrival.end();
    else
      arrival.write(
        'event: connected\ndata: {"reconnectAfterInactivityMs":50}\n\nid: run:0\ndata: {"type":"text-delta","text":"0"}\n\n',
      );
  });
  expect(await readStream(client)).toEqual({ texts: ["0"], error: null });
  expect(arrivals.map(({ lastEventId }) => lastEventId)).toEqual([null, "run:0"]);
});

test("an error that the server sends as an event is final, whatever its status", async () => {
  const { client, arrivals } = await startEventServer((arrival) => {
    arrival.send([0]);
    arrival.write(`event: serialized-error\ndata: ${JSON.stringify(nativeError("upstream_unavailable", 503))}\n\n`);
  });
  const { error } = await readStream(client);
  expect(error).toMatchObject({ kind: "api", code: "upstream_unavailable", status: 503, requestId: "r" });
  expect(arrivals).toHaveLength(1);
});

test("pings and unknown events are no events of the subscription", async () => {
  const { client } = await startEventServer((arrival) => {
    arrival.write("event: ping\ndata:\n\nevent: restore-id\ndata:\nid: run:9\n\n: comment\n\n");
    arrival.send([0]);
    arrival.end();
  });
  expect((await readStream(client)).texts).toEqual(["0"]);
});

test("a frame that is not JSON is an invalid response", async () => {
  const { client } = await startEventServer((arrival) => arrival.write("data: {nonsense\n\n"));
  expect((await readStream(client)).error).toMatchObject({ kind: "invalid-response" });
});

test("a run whose loop is left is cancelled on the server", async () => {
  const { client, arrivals } = await startEventServer((arrival) => {
    if (arrival.path === "/trpc/promptCancel") arrival.refuse(200, { result: { data: { cancelled: true } } });
    else arrival.send([0, 1]);
  });
  for await (const event of client.ai.promptStream({ prompt: "Hello." })) {
    if (event.type === "text-delta") break;
  }
  await expect.poll(() => arrivals.length).toBe(2);
  expect(arrivals[1]).toMatchObject({ path: "/trpc/promptCancel", body: { id: "run" } });
  await arrivals[0]?.closed;
});

test("a run whose signal fires is cancelled on the server, also while its connection is lost", async () => {
  const controller = new AbortController();
  const { client, arrivals } = await startEventServer((arrival, index) => {
    if (arrival.path === "/trpc/promptCancel") arrival.refuse(200, { result: { data: { cancelled: true } } });
    else if (index === 0) {
      arrival.send([0]);
      afterEvents(arrival);
    } else controller.abort();
  });
  const { error } = await readStream(client, controller.signal);
  expect(error).toMatchObject({ kind: "aborted" });
  await expect.poll(() => arrivals.at(-1)?.path).toBe("/trpc/promptCancel");
});

test("a prompt that is longer than a URL can be is sent as a body", async () => {
  const { client, arrivals } = await startEventServer((arrival) => arrival.end());
  const prompt = "long ".repeat(100_000);
  for await (const event of client.ai.promptStream({ prompt })) expect(event).toBe("no event");
  expect(arrivals[0]).toMatchObject({ path: "/trpc/promptStream", body: { prompt } });
});
