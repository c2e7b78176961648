"use strict";
// Shows /openapi.json: every call with its parameters, body and answers, and a form that sends it. All text is set as text, never as HTML.

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

const table = (head, rows) =>
  make("table", {}, make("tr", {}, ...head.map((text) => make("th", { textContent: text }))),
    ...rows.map((row) => make("tr", {}, ...row.map((cell) => make("td", {}, cell ?? "")))));

const nameOf = (ref) => ref.split("/").pop();

const schemaLink = (schema) => {
  if (!schema) return "";
  if (schema.$ref) return make("a", { href: "#schema-" + nameOf(schema.$ref), textContent: nameOf(schema.$ref) });
  return make("code", { textContent: JSON.stringify(schema) });
};

const answers = (responses) =>
  table(["status", "meaning", "body"], Object.entries(responses).map(([status, answer]) => {
    const [type, media] = Object.entries(answer.content ?? {})[0] ?? [];
    return [status, answer.description, type ? make("span", {}, type + " ", schemaLink(media.schema)) : ""];
  }));

async function send(method, path, inputs, body, output) {
  const query = new URLSearchParams();
  const headers = {};
  const token = document.getElementById("token").value;
  if (token) headers.Authorization = "Bearer " + token;
  for (const { parameter, input } of inputs) {
    if (parameter.in === "path") path = path.replace("{" + parameter.name + "}", encodeURIComponent(input.value));
    if (parameter.in === "query" && input.value !== "") query.set(parameter.name, input.value);
    if (parameter.in === "header" && input.value !== "") headers[parameter.name] = input.value;
  }
  if (query.size) path += "?" + query;
  if (body) headers["Content-Type"] = "application/json";
  output.hidden = false;
  output.textContent = method + " " + path + " …";
  try {
    const answer = await fetch(path, { method, headers, body: body ? body.value : undefined });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* not JSON: as it came */ }
    output.textContent = method + " " + path + "\n" + answer.status + " " + answer.statusText + "\n\n" + shown.slice(0, 200000);
  } catch (error) {
    output.textContent = String(error);
  }
}

const form = (method, path, call) => {
  const inputs = (call.parameters ?? []).map((parameter) => ({ parameter, input: make("input", { placeholder: parameter.name }) }));
  const body = call.requestBody?.content["application/json"] ? make("textarea", { value: "{}" }) : null;
  const output = make("pre", { hidden: true });
  const rows = inputs.map(({ parameter, input }) =>
    [make("code", { textContent: parameter.name }), parameter.in, schemaLink(parameter.schema), parameter.description, input]);
  const button = make("button", { textContent: "Send" });
  button.addEventListener("click", () => send(method, path, inputs, body, output));
  return [rows.length ? table(["parameter", "in", "type", "meaning", "value"], rows) : "",
    body ? make("p", {}, "Body: ", schemaLink(call.requestBody.content["application/json"].schema), body) : "",
    make("p", {}, button), output];
};

async function show() {
  const api = await (await fetch("/openapi.json")).json();
  document.getElementById("title").textContent = api.info.title + " " + api.info.version;
  const calls = document.getElementById("calls");
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, call] of Object.entries(methods)) {
      calls.append(make("details", {},
        make("summary", {}, make("span", { className: "method " + method, textContent: method.toUpperCase() }),
          make("code", { textContent: path }), "  " + call.summary),
        make("div", {}, ...form(method.toUpperCase(), path, call), answers(call.responses))));
    }
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    schemas.append(make("details", { id: "schema-" + name }, make("summary", { textContent: name }),
      make("div", {}, make("pre", { textContent: JSON.stringify(schema, null, 2) }))));
  }
  addEventListener("hashchange", () => { const at = document.querySelector(location.hash); if (at) at.open = true; });
}

show();
