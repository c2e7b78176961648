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

// A simple type in words: "integer, 1 to 1000, default 100".
const typeText = (schema) => {
  const words = [schema.enum ? schema.enum.join(" | ") : [schema.type].flat().join(" or ")];
  if (schema.minimum !== undefined) words.push(schema.maximum !== undefined ? schema.minimum + " to " + schema.maximum : "at least " + schema.minimum);
  if (schema.maxLength !== undefined) words.push("at most " + schema.maxLength + " characters");
  if (schema.default !== undefined) words.push("default " + schema.default);
  return words.join(", ");
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

const form = (method, path, call, schemas) => {
  const inputs = (call.parameters ?? []).map((parameter) => ({ parameter, input: make("input", { placeholder: parameter.name }) }));
  const json = call.requestBody?.content["application/json"]?.schema;
  const sample = json?.$ref ? schemas[nameOf(json.$ref)]["x-sample"] : undefined;
  const body = json ? make("textarea", { value: JSON.stringify(sample ?? {}, null, 2) }) : null;
  const output = make("pre", { hidden: true });
  const rows = inputs.map(({ parameter, input }) =>
    [make("code", { textContent: parameter.name }), input, parameter.description, typeText(parameter.schema), parameter.in]);
  const button = make("button", { textContent: "Send" });
  button.addEventListener("click", () => send(method, path, inputs, body, output));
  return [rows.length ? table(["parameter", "value", "meaning", "type", "in"], rows) : "",
    body ? make("p", {}, "Body: ", schemaLink(json), body) : "",
    make("p", {}, button), output];
};

async function show() {
  const api = await (await fetch("/openapi.json")).json();
  document.getElementById("title").textContent = api.info.title + " API, version " + api.info.version;
  const calls = document.getElementById("calls");
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, call] of Object.entries(methods)) {
      calls.append(make("details", { id: method + path },
        make("summary", {}, make("span", { className: "method " + method, textContent: method.toUpperCase() }),
          make("code", { textContent: path }), call.summary),
        make("div", {}, ...form(method.toUpperCase(), path, call, api.components.schemas), answers(call.responses))));
    }
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    schemas.append(make("details", { id: "schema-" + name }, make("summary", { textContent: name }),
      make("div", {}, make("pre", { textContent: JSON.stringify(schema, null, 2) }))));
  }
  const openTarget = () => {
    const at = document.getElementById(location.hash.slice(1));
    if (!at) return;
    at.open = true;
    at.scrollIntoView();
  };
  addEventListener("hashchange", openTarget);
  openTarget();
}

show();
