// The frame that card numbers are typed into. It tells the page around it states and heights, never what was typed,
// and sends what was typed to its own origin alone.
import { brandOf, cvcState, digitsOf, expiryParts, expiryState, formatExpiry, groupNumber, numberState, postalState } from "./card.js";
import { styleFrame } from "./style.js";
import { textsFor } from "./texts.js";

const type = location.pathname.split("/").pop();
const settled = new URLSearchParams(location.hash.slice(1));
const [id, page] = [settled.get("id"), settled.get("parent")];
const inline = type !== "payment";
const form = document.getElementById("fields");
form.classList.toggle("line", inline);

const tell = (message) => window.parent.postMessage({ ...message, id }, page);

// ---- fields ----

const specs = {
  number: { autocomplete: "cc-number", name: "cardnumber" },
  expiry: { autocomplete: "cc-exp", name: "exp-date" },
  cvc: { autocomplete: "cc-csc", name: "cvc" },
  postal: { autocomplete: "postal-code", name: "postal" },
};
const shown = {
  payment: ["number", "expiry", "cvc"], card: ["number", "expiry", "cvc", "postal"],
  cardNumber: ["number"], cardExpiry: ["expiry"], cardCvc: ["cvc"],
}[type];

const fields = new Map(); // name → {box, input, error, touched}
let texts = textsFor("auto");

const element = (tag, attributes, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
};

const build = (name) => {
  const input = element("input", {
    id: name, class: "Input", type: "text", inputmode: "numeric", autocorrect: "off", spellcheck: "false", autocapitalize: "off",
    "aria-required": "true", "aria-invalid": "false", "aria-describedby": `${name}-error`, ...specs[name],
  });
  const label = element("label", { class: "Label", for: name });
  const error = element("p", { class: "Error", id: `${name}-error`, role: "alert" });
  error.hidden = true;
  const control = element("div", { class: "Control" }, input);
  if (name === "number") control.append(element("span", { class: "Brand", "aria-hidden": "true" }));
  const box = element("div", { class: `Field Field--${name}` }, label, control, error);
  form.append(box);
  fields.set(name, { box, input, label, error, touched: false });
};

const valueOf = (name) => (fields.get(name)?.box.hidden ? undefined : fields.get(name)?.input.value);
const numberDigits = () => digitsOf(valueOf("number") ?? "");

const stateOf = (name) => {
  const value = valueOf(name);
  if (value === undefined) return { empty: true, complete: true };
  switch (name) {
    case "number": return numberState(value);
    case "expiry": return expiryState(value, new Date());
    case "cvc": return cvcState(value, numberDigits());
    default: return postalState(value);
  }
};

const visible = () => shown.filter((name) => !fields.get(name).box.hidden);

const errorOf = (code) => code && { type: "validation_error", code, message: texts[code] };

// firstError is what the customer must mend first; with all, an empty field counts too.
const firstError = (all) => {
  for (const name of visible()) {
    const { empty, code } = stateOf(name);
    if (code && (all || (!empty && shows(name)))) return { name, error: errorOf(code) };
  }
  return null;
};

// A half-typed field is only wrong once it was left; one that can no longer become right is wrong at once.
const shows = (name) => {
  const { code } = stateOf(name);
  return Boolean(code) && (fields.get(name).touched || code.startsWith("invalid"));
};

const drawErrors = () => {
  for (const name of visible()) {
    const { input, error } = fields.get(name);
    const wrong = shows(name);
    input.classList.toggle("Input--invalid", wrong);
    input.classList.toggle("Input--empty", input.value === "");
    input.setAttribute("aria-invalid", String(wrong));
    const message = wrong ? texts[stateOf(name).code] : "";
    if (error.textContent !== message) error.textContent = message;
    error.hidden = !wrong;
  }
};

const icon = `<svg viewBox="0 0 20 20"><rect x="2.5" y="4.5" width="15" height="11" rx="2"/><path d="M2.5 8h15M5.5 12.2h2.5"/></svg>`;
let drawnBrand;
const drawBrand = () => {
  const brand = brandOf(numberDigits());
  const box = fields.get("number")?.box.querySelector(".Brand");
  if (!box || drawnBrand === brand) return;
  drawnBrand = brand;
  if (brand.label && !inline) box.textContent = brand.label;
  else box.innerHTML = icon;
};

let told;
// changed tells the page of a new state. A Payment Element also tells its first one, a Card Element does not.
const changed = (first) => {
  drawErrors();
  drawBrand();
  const states = visible().map(stateOf);
  const detail = { empty: states.every((s) => s.empty), complete: states.every((s) => s.complete) };
  if (type === "payment") Object.assign(detail, { collapsed: false, value: { type: "card" } });
  else {
    detail.error = firstError(false)?.error;
    if (type === "card" || type === "cardNumber") detail.brand = brandOf(numberDigits()).name;
    if (type === "card") detail.value = { postalCode: valueOf("postal") ?? "" };
  }
  const now = JSON.stringify(detail);
  if (now !== told && !(first && inline)) tell({ type: "change", detail });
  told = now;
};

// ---- typing ----

// reshape formats a field and keeps the caret behind the same digit. Deleting only a separator deletes the digit before it.
const reshape = (name, input, format, deleting) => {
  const before = input.dataset.last ?? "";
  let value = input.value;
  let digitsLeft = digitsOf(value.slice(0, input.selectionStart)).length;
  if (deleting && value !== before && digitsOf(value) === digitsOf(before) && digitsLeft > 0) {
    const digits = digitsOf(value);
    value = digits.slice(0, digitsLeft - 1) + digits.slice(digitsLeft);
    digitsLeft--;
  }
  const atEnd = input.selectionStart === input.value.length;
  const shaped = format(value);
  input.value = input.dataset.last = shaped;
  let caret = shaped.length;
  if (!atEnd) for (caret = 0; caret < shaped.length && digitsLeft > 0; caret++) if (/\d/.test(shaped[caret])) digitsLeft--;
  if (document.activeElement === input) input.setSelectionRange(caret, caret);
};

const formats = {
  number: () => (value) => groupNumber(digitsOf(value)),
  expiry: (deleting) => (value) => formatExpiry(value, deleting),
  cvc: () => (value) => digitsOf(value).slice(0, brandOf(numberDigits()).cvc),
  postal: () => (value) => value.slice(0, 12),
};

form.addEventListener("input", (event) => {
  const { target } = event;
  const deleting = event.inputType?.startsWith("delete") ?? false;
  reshape(target.id, target, formats[target.id](deleting), deleting);
  if (target.id === "number" && fields.has("cvc")) reshape("cvc", fields.get("cvc").input, formats.cvc(), false);
  const atEnd = target.selectionStart === target.value.length;
  const order = visible();
  const next = fields.get(order[order.indexOf(target.id) + 1]);
  const advances = event.isTrusted && !deleting && atEnd && ["number", "expiry"].includes(target.id);
  if (advances && stateOf(target.id).complete && next?.input.value === "") next.input.focus();
  changed();
});
form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tell({ type: "escape" });
});

let focused = false;
form.addEventListener("focusin", () => {
  if (!focused) tell({ type: "focus" });
  focused = true;
});
form.addEventListener("focusout", (event) => {
  const field = fields.get(event.target.id);
  field.touched = field.input.value !== "" || field.touched;
  changed();
  if (event.relatedTarget) return;
  focused = false;
  tell({ type: "blur" });
});

// ---- what the page asks ----

const apply = ({ appearance, locale, element: options }) => {
  texts = textsFor(locale);
  document.documentElement.lang = texts.lang;
  for (const [name, { input, label }] of fields) {
    label.textContent = texts[name];
    input.placeholder = options.placeholder ?? texts[`${name}Example`];
    input.readOnly = Boolean(options.readOnly);
    input.disabled = Boolean(options.disabled);
  }
  const postal = fields.get("postal");
  if (postal) postal.box.hidden = Boolean(options.hidePostalCode);
  styleFrame(inline ? { style: options.style } : { appearance });
  drawErrors();
  drawBrand();
};

const validate = () => {
  for (const name of visible()) fields.get(name).touched = true;
  changed();
  const first = firstError(true);
  if (!first) return {};
  fields.get(first.name).input.focus();
  return { error: first.error };
};

// cardOf and validate are also called by a sibling frame of the same origin, for fields split over frames.
window.cardFields = {
  validate,
  card: () => {
    const { month, year } = expiryParts(valueOf("expiry") ?? "");
    return { number: numberDigits() || undefined, exp_month: month || undefined, exp_year: year || undefined, cvc: valueOf("cvc") };
  },
};

// The frame answers only these paths: no page can have it send card data anywhere else.
const paths = /^\/v1\/(confirmation_tokens|payment_methods|payment_intents\/pi_[A-Za-z0-9]+\/confirm)$/;

const encode = (value, name, body) => {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) value.forEach((v) => encode(v, `${name}[]`, body));
  else if (typeof value === "object") for (const [k, v] of Object.entries(value)) encode(v, name ? `${name}[${k}]` : k, body);
  else body.append(name, value);
};

const collect = async ({ path, prefix, params, siblings = [] }) => {
  if (!paths.test(path)) return { error: { type: "invalid_request_error", message: `Card fields are not sent to ${path}.` } };
  const frames = type === "cardNumber" ? siblings.map((name) => window.parent.frames[name].cardFields) : [window.cardFields];
  const card = {};
  for (const frame of frames) {
    const { error } = frame.validate();
    if (error) return { error };
    for (const [name, value] of Object.entries(frame.card())) if (value !== undefined) card[name] = value;
  }
  const postal = valueOf("postal");
  const body = new URLSearchParams();
  encode(params, "", body);
  encode(card, prefix ? `${prefix}[card]` : "card", body);
  if (postal) body.append(`${prefix ? `${prefix}[billing_details]` : "billing_details"}[address][postal_code]`, postal);
  try {
    const answer = await fetch(path, { method: "POST", body, credentials: "omit" });
    const object = await answer.json();
    return object.error ? { error: object.error } : { object };
  } catch {
    return { error: {
      type: "api_connection_error",
      message: "We are experiencing issues connecting to our payments provider. Please check your internet connection and try again.",
    } };
  }
};

const clear = () => {
  for (const field of fields.values()) {
    field.input.value = field.input.dataset.last = "";
    field.touched = false;
  }
  changed();
};

const tellHeight = () => tell({ type: "height", height: Math.ceil(document.body.getBoundingClientRect().height) });

window.addEventListener("message", async ({ source, origin, data }) => {
  if (source !== window.parent || origin !== page || data?.id !== id) return;
  switch (data.type) {
    case "init":
      shown.forEach(build); // not before the styles are known: nothing flashes
      apply(data.settings);
      tellHeight();
      new ResizeObserver(tellHeight).observe(document.body);
      tell({ type: "ready" });
      changed(true);
      break;
    case "update":
      apply(data.settings);
      changed();
      break;
    case "focus": (fields.get(firstError(true)?.name) ?? fields.get(shown[0])).input.focus(); break;
    case "blur": document.activeElement?.blur(); break;
    case "clear": clear(); break;
    case "validate": tell({ type: "answer", call: data.call, answer: validate() }); break;
    case "collect": tell({ type: "answer", call: data.call, answer: await collect(data) }); break;
  }
});
tell({ type: "hello" });
