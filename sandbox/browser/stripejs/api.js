// A stand-in for Stripe.js v3 with the interface of https://docs.stripe.com/js as far as cards need it. Card fields
// live in frames of the origin this script came from, which alone see what is typed; API calls go there too.
// Styles are set through the CSSOM only, so a page without style-src 'unsafe-inline' can embed it.
// The server joins the files of this directory into one strict function: api, element, elements, challenge, stripe.

const base = new URL(document.currentScript.src).origin;

// IntegrationError is thrown for mistakes of the page; all that a customer can cause is a result with an error.
class IntegrationError extends Error {
  constructor(message) {
    super(message);
    this.name = "IntegrationError";
  }
}

const randomID = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

const warnUnknown = (call, options, known) => {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) console.warn(`[Stripe.js] Unrecognized ${call} parameter: ${name} is not a recognized parameter.`);
  }
};

const connectionError = () => ({
  type: "api_connection_error",
  message: "We are experiencing issues connecting to our payments provider. Please check your internet connection and try again.",
});

// encode writes nested parameters the way Stripe's API reads them: a[b][c]=…, list[]=….
const encode = (value, name, form) => {
  if (value === undefined || value === null) return;
  if (Array.isArray(value)) value.forEach((v) => encode(v, `${name}[]`, form));
  else if (typeof value === "object") for (const [k, v] of Object.entries(value)) encode(v, name ? `${name}[${k}]` : k, form);
  else form.append(name, value);
};

// api resolves {object} or {error}. The key travels with the parameters, so the request needs no preflight.
const api = async (method, path, params) => {
  const form = new URLSearchParams();
  encode(params, "", form);
  try {
    const answer = method === "GET"
      ? await fetch(`${base}${path}?${form}`, { credentials: "omit", cache: "no-store" })
      : await fetch(base + path, { method, body: form, credentials: "omit" });
    const object = await answer.json();
    return object.error ? { error: object.error } : { object };
  } catch {
    return { error: connectionError() };
  }
};

// intentID gives the PaymentIntent's id, which a client secret begins with.
const intentID = (clientSecret, call) => {
  const [, id] = /^(pi_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(clientSecret ?? "") ?? [];
  if (!id) {
    throw new IntegrationError(`Invalid value for ${call} intent secret: value should be a client secret of the form \${id}_secret_\${secret}. You specified: ${typeof clientSecret === "string" ? "a string of another form" : String(clientSecret)}.`);
  }
  return id;
};

// result names the object as Stripe.js does: {paymentIntent: …} or {error: …}.
const result = (name, { object, error }) => (error ? { error } : { [name]: object });
