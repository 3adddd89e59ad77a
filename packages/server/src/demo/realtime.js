/**
 * The page `/demo/realtime`: a realtime session of this server with the browser's microphone. It talks to the server that
 * it came from alone, and stores nothing.
 */

/** What may lie in the browser unsent before the session is ended: 20 seconds of audio as text. */
const UNSENT_BYTES_MAX = 1_280_000;

/** How long the texts of turns that are under way are awaited after a stop. */
const LAST_TEXTS_MS_MAX = 15_000;

/**
 * @template {Element} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
function find(id, kind) {
  const element = document.querySelector(`#${id}`);
  if (!(element instanceof kind)) throw new Error(`The page has no ${id}.`);
  return element;
}

const page = {
  form: find("settings", HTMLFormElement),
  key: find("key", HTMLInputElement),
  language: find("language", HTMLSelectElement),
  turns: find("turns", HTMLSelectElement),
  start: find("start", HTMLButtonElement),
  endTurn: find("end-turn", HTMLButtonElement),
  stop: find("stop", HTMLButtonElement),
  level: find("level", HTMLMeterElement),
  status: find("status", HTMLElement),
  problem: find("problem", HTMLElement),
  transcript: find("transcript", HTMLOListElement),
};

/** What went wrong, in words for the person at the page. */
class Problem extends Error {}

/**
 * Of the events that the page shows: each has some of these.
 *
 * @typedef {{ type: string, item_id: string, delta: string, transcript: string, error: { message: string, code: string } }} ServerEvent
 */

/** The session that listens; null while none does. @type {{ stop: () => void, endTurn: () => void } | null} */
let running = null;

/** @param {string} text */
function showStatus(text) {
  page.status.textContent = text;
}

/** @param {unknown} thrown */
function showProblem(thrown) {
  page.problem.textContent =
    thrown instanceof Problem
      ? thrown.message
      : `The page failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
  page.problem.hidden = false;
}

/** @param {"idle" | "starting" | "listening" | "stopping"} state */
function showState(state) {
  page.start.disabled = state !== "idle";
  page.stop.disabled = state !== "listening";
  page.endTurn.disabled = state !== "listening" || page.turns.value !== "manual";
  for (const field of [page.key, page.language, page.turns]) field.disabled = state !== "idle";
}

/** The texts of the turns, in the order in which they began. */
function createTranscript() {
  /** @type {Map<string, HTMLLIElement>} */
  const lines = new Map();
  const awaited = new Set();

  /** @param {string} itemId */
  function findLine(itemId) {
    const known = lines.get(itemId);
    if (known !== undefined) return known;
    const line = document.createElement("li");
    line.className = "live";
    page.transcript.append(line);
    line.scrollIntoView({ block: "nearest" });
    lines.set(itemId, line);
    awaited.add(itemId);
    return line;
  }

  return {
    /** @param {string} itemId */
    open: (itemId) => void findLine(itemId),
    /** @param {string} itemId @param {string} delta */
    add: (itemId, delta) => findLine(itemId).append(delta),
    /** @param {string} itemId @param {string} text @param {"done" | "failed"} state */
    end(itemId, text, state) {
      const line = findLine(itemId);
      line.textContent = text;
      line.className = state;
      awaited.delete(itemId);
    },
    awaitsText: () => awaited.size > 0,
    /** What is still under way will not be told. */
    close() {
      for (const itemId of awaited) lines.get(itemId)?.classList.replace("live", "failed");
    },
  };
}

/** What the session is to be, by the choices on the page. */
function describeSession() {
  const language = page.language.value;
  const input = {
    format: { type: "audio/pcm", rate: 24_000 },
    transcription: { model: "default", ...(language === "" ? null : { language }) },
    turn_detection: page.turns.value === "manual" ? null : { type: page.turns.value },
  };
  return { type: "transcription", audio: { input } };
}

/**
 * A short-lived key for this session alone. It also says what is wrong with the person's own, which browsers don't say of
 * a refused WebSocket.
 *
 * @param {string} key
 * @returns {Promise<string>}
 */
async function createSecret(key) {
  const response = await fetch("/v1/realtime/client_secrets", {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ session: describeSession() }),
  }).catch(() => {
    throw new Problem("The server can't be reached.");
  });
  const answer = await response.json().catch(() => null);
  if (response.ok && typeof answer?.value === "string") return answer.value;
  const reason = typeof answer?.error?.message === "string" ? answer.error.message : `status ${response.status}`;
  throw new Problem(response.status === 401 ? `The key was refused: ${reason}` : `No session was granted: ${reason}`);
}

/** Models of speech know noise; what a browser makes of it, they don't. */
const MICROPHONE = { channelCount: 1, echoCancellation: false, noiseSuppression: false };

/** What each failure of the microphone means for the person. */
const MICROPHONE_PROBLEMS = new Map([
  ["NotAllowedError", "The browser was not allowed to use the microphone. Allow it for this page, and start again."],
  ["NotFoundError", "No microphone was found. Connect one, and start again."],
  ["NotReadableError", "The microphone can't be read; another program may be using it."],
]);

/** @returns {Promise<MediaStream>} */
async function openMicrophone() {
  try {
    return await navigator.mediaDevices.getUserMedia({ audio: MICROPHONE });
  } catch (thrown) {
    const name = thrown instanceof Error ? thrown.name : "";
    throw new Problem(MICROPHONE_PROBLEMS.get(name) ?? `The microphone can't be used: ${String(thrown)}`);
  }
}

/**
 * @param {AudioContext} context
 * @param {MediaStream} stream
 * @param {(samples: ArrayBuffer) => void} onSamples called with each tenth of a second
 */
function listen(context, stream, onSamples) {
  const capture = new AudioWorkletNode(context, "capture", {
    numberOfOutputs: 0,
    channelCount: 1,
    channelCountMode: "explicit",
  });
  capture.port.addEventListener("message", ({ data }) => {
    page.level.value = data.level;
    onSamples(data.samples);
  });
  capture.port.start();
  context.createMediaStreamSource(stream).connect(capture);
}

/** @param {ArrayBuffer} samples */
function toBase64(samples) {
  return btoa(String.fromCharCode(...new Uint8Array(samples)));
}

/**
 * @param {string} secret
 * @returns {Promise<WebSocket>} an open one
 */
function connect(secret) {
  const url = new URL("/v1/realtime?intent=transcription", location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, ["realtime", `openai-insecure-api-key.${secret}`]);
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(socket), { once: true });
    // Browsers say no more.
    socket.addEventListener("error", () => reject(new Problem("The server refused the session, or can't be reached.")));
  });
}

/**
 * Shows what the session sends.
 *
 * @param {ServerEvent} event
 * @param {ReturnType<typeof createTranscript>} transcript
 */
function showEvent(event, transcript) {
  switch (event.type) {
    case "input_audio_buffer.speech_started":
    case "input_audio_buffer.committed":
      transcript.open(event.item_id);
      break;
    case "conversation.item.input_audio_transcription.delta":
      transcript.add(event.item_id, event.delta);
      break;
    case "conversation.item.input_audio_transcription.completed":
      transcript.end(event.item_id, event.transcript, "done");
      break;
    case "conversation.item.input_audio_transcription.failed":
      transcript.end(event.item_id, `This turn failed: ${event.error.message}`, "failed");
      break;
    case "error":
      showProblem(new Problem(`The server says: ${event.error.message}`));
      break;
  }
}

/**
 * One session over an open socket, until it is stopped and its last text has come.
 *
 * @param {{ context: AudioContext, stream: MediaStream, socket: WebSocket }} parts
 * @throws {Problem} what ended it otherwise
 */
async function transcribe({ context, stream, socket }) {
  const transcript = createTranscript();
  const ended = Promise.withResolvers();
  const fail = (/** @type {string} */ text) => ended.reject(new Problem(text));
  let isStopping = false;
  /** Whether the commit of the stop has been answered: with a turn, or because nothing was left. */
  let isLastTurnKnown = false;

  /** @param {Record<string, unknown>} event */
  const send = (event) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(event));
  };
  const endTurn = () => send({ type: "input_audio_buffer.commit" });
  const begin = () => {
    listen(context, stream, (samples) => {
      if (isStopping) return;
      if (socket.bufferedAmount > UNSENT_BYTES_MAX) return fail("The connection is too slow for audio.");
      send({ type: "input_audio_buffer.append", audio: toBase64(samples) });
    });
    running = { endTurn, stop };
    showState("listening");
    showStatus("Listening.");
  };
  const stop = () => {
    isStopping = true;
    showState("stopping");
    showStatus("Waiting for the last text …");
    endTurn();
    setTimeout(() => ended.resolve(undefined), LAST_TEXTS_MS_MAX);
  };
  socket.addEventListener("message", ({ data }) => {
    /** @type {ServerEvent} */
    const event = JSON.parse(data);
    if (event.type === "session.created") begin();
    const isEmpty = event.type === "error" && event.error.code === "input_audio_buffer_commit_empty";
    if (event.type === "error" && running === null) return fail(`The server says: ${event.error.message}`);
    if (!isStopping || !isEmpty) showEvent(event, transcript);
    if (isStopping && (isEmpty || event.type === "input_audio_buffer.committed")) isLastTurnKnown = true;
    if (isLastTurnKnown && !transcript.awaitsText()) ended.resolve(undefined);
  });
  socket.addEventListener("close", ({ code, reason }) => {
    fail(`The server closed the session${reason === "" ? "" : `: ${reason}`} (code ${code}).`);
  });
  for (const track of stream.getTracks()) {
    track.addEventListener("ended", () => fail("The microphone was disconnected."));
  }
  try {
    await ended.promise;
  } finally {
    running = null;
    transcript.close();
  }
}

/**
 * From the press of the button to the end of the session; whatever it has opened is closed then.
 *
 * @throws {Problem}
 */
async function run() {
  // A browser lets audio begin within a press of a button alone.
  const context = new AudioContext();
  /** @type {MediaStream | null} */
  let stream = null;
  /** @type {WebSocket | null} */
  let socket = null;
  try {
    await context.audioWorklet.addModule("/demo/capture-worklet.js");
    await context.resume();
    showStatus("Asking for a session …");
    const secret = await createSecret(page.key.value.trim());
    showStatus("Asking for the microphone …");
    stream = await openMicrophone();
    showStatus("Connecting …");
    socket = await connect(secret);
    await transcribe({ context, stream, socket });
  } finally {
    socket?.close(1000);
    for (const track of stream?.getTracks() ?? []) track.stop();
    page.level.value = 0;
    await context.close();
  }
}

async function onStart() {
  page.problem.hidden = true;
  page.transcript.replaceChildren();
  showState("starting");
  try {
    await run();
  } catch (thrown) {
    showProblem(thrown);
  }
  showState("idle");
  showStatus("Stopped.");
}

page.form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  void onStart();
});
page.endTurn.addEventListener("click", () => running?.endTurn());
page.stop.addEventListener("click", () => running?.stop());

if (window.isSecureContext && navigator.mediaDevices !== undefined) {
  showState("idle");
} else {
  showProblem(
    new Problem("Browsers give the microphone to pages from https or from localhost only: open this page so."),
  );
}
