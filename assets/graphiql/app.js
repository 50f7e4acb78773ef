"use strict";

const ENDPOINT = "/graphql";
const PERSONAS = "/graphiql/personas.json";

const NOBODY = { name: "nobody (own header)", token: null, query: "" };
let persona = NOBODY;

/** The name of the kind of operation that a request runs: "query", "mutation" or "subscription". */
function operationKind(documentAST, operationName) {
  const operations = (documentAST?.definitions ?? []).filter((node) => node.kind === "OperationDefinition");
  return (operations.find((node) => node.name?.value === operationName) ?? operations[0])?.operation;
}

/** Sends a request; the result is one answer or, of a subscription, a stream of them. */
async function fetcher(params, options = {}) {
  const streams = operationKind(options.documentAST, params.operationName) === "subscription";
  const headers = new Headers({
    "content-type": "application/json",
    accept: streams ? "text/event-stream" : "application/graphql-response+json, application/json;q=0.9",
  });
  if (persona.token) headers.set("authorization", `Bearer ${persona.token}`);
  for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);

  if (streams) return subscribe(headers, params);
  const response = await fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify(params) });
  return answer(response);
}

/** The JSON of an answer, or an error that says what came instead. */
async function answer(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    throw new Error(`HTTP ${response.status} ${response.statusText}: ${text.slice(0, 500)}`);
  }
}

/** A subscription over server-sent events: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md */
function subscribe(headers, params) {
  const abort = new AbortController();
  const answers = receive(headers, params, abort.signal);
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => answers.next(),
    // Not the generator's own `return`, which would wait for the next event.
    async return() {
      abort.abort();
      return { done: true, value: undefined };
    },
  };
}

async function* receive(headers, params, signal) {
  try {
    const response = await fetch(ENDPOINT, { method: "POST", headers, body: JSON.stringify(params), signal });
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) {
      yield await answer(response);
      return;
    }
    let buffer = "";
    for await (const text of chunks(response.body.pipeThrough(new TextDecoderStream()))) {
      const blocks = (buffer + text).split(/\r?\n\r?\n/);
      buffer = blocks.pop();
      for (const block of blocks) {
        const event = parseEvent(block);
        if (event.name === "complete") return;
        if (event.data) yield JSON.parse(event.data);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What `for await (… of stream)` does, which not every browser knows. */
async function* chunks(stream) {
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function parseEvent(block) {
  const field = (name) =>
    block
      .split(/\r?\n/)
      .filter((line) => line.startsWith(`${name}:`))
      .map((line) => line.slice(name.length + 1).replace(/^ /, ""))
      .join("\n");
  return { name: field("event") || "message", data: field("data") };
}

/**
 * The browser's storage for tabs, history and settings, but not for headers: they carry tokens, and GraphiQL's history
 * would keep them.
 */
const storage = {
  getItem: (key) => localStorage.getItem(key),
  setItem(key, value) {
    if (key === "graphiql:headers") return;
    const entries = /^graphiql:(tabState|queries|favorites)$/.test(key);
    const kept = entries ? JSON.stringify(JSON.parse(value, (name, item) => (name === "headers" ? null : item))) : value;
    localStorage.setItem(key, kept);
  },
  removeItem: (key) => localStorage.removeItem(key),
  clear() {
    for (const key of this.keys()) localStorage.removeItem(key);
  },
  get length() {
    return this.keys().length;
  },
  keys: () => Object.keys(localStorage).filter((key) => key.startsWith("graphiql:")),
};

async function loadPersonas() {
  const response = await fetch(PERSONAS).catch(() => null);
  return response?.ok ? response.json() : [];
}

/** Fills the picker. The URL keeps who is picked (`/graphiql#as=acme+ADMIN`), so that it survives a reload. */
function showPicker(personas, changed) {
  const choices = [...personas, NOBODY];
  const picker = document.getElementById("persona");
  picker.append(...choices.map((choice, index) => new Option(choice.name, index)));
  picker.addEventListener("change", () => {
    location.hash = new URLSearchParams({ as: choices[picker.value].name });
  });

  const follow = () => {
    const name = new URLSearchParams(location.hash.slice(1)).get("as");
    persona = choices.find((choice) => choice.name === name) ?? choices[0];
    picker.value = choices.indexOf(persona);
    changed();
  };
  window.addEventListener("hashchange", follow);
  document.getElementById("personas").hidden = false;
  follow();
}

function start(personas) {
  const root = ReactDOM.createRoot(document.getElementById("graphiql"));
  const samples = ["", ...personas.map((each) => each.query.trim())];

  const render = () => {
    root.render(
      React.createElement(GraphiQL, {
        fetcher,
        storage,
        defaultQuery: persona.query || undefined,
        isHeadersEditorEnabled: true,
        shouldPersistHeaders: false,
        showPersistHeadersSettings: false,
      }),
    );
    // A sample gives way to the next persona's sample; what someone typed stays.
    const editor = document.querySelector(".graphiql-query-editor .CodeMirror")?.CodeMirror;
    if (editor && persona.query && samples.includes(editor.getValue().trim())) editor.setValue(persona.query);
  };

  if (personas.length > 0) showPicker(personas, render);
  else render();
}

loadPersonas().then(start);
