// Elements is a group of elements and the options of the payment they collect for. Without an intent ("deferred")
// the options travel with what is collected, and the API compares them with the PaymentIntent.
// https://docs.stripe.com/js/elements_object/create_without_intent
const deferredOptions = ["mode", "amount", "currency", "setupFutureUsage", "captureMethod", "paymentMethodTypes", "paymentMethodCreation", "onBehalfOf"];
const groupOptions = [...deferredOptions, "clientSecret", "appearance", "locale", "fonts", "loader", "customerSessionClientSecret", "customerOptions"];

const oneOf = (call, options, name, allowed) => {
  const value = options[name];
  if (value !== undefined && !allowed.includes(value)) {
    throw new IntegrationError(`Invalid value for ${call}: ${name} should be one of the following strings: ${allowed.filter(Boolean).join(", ")}. You specified: ${value}.`);
  }
};

const checkGroupOptions = (call, o) => {
  warnUnknown(call, o, groupOptions);
  if (o.mode === undefined) return;
  if (o.clientSecret !== undefined) throw new IntegrationError(`Invalid value for ${call}: you cannot pass both mode and clientSecret.`);
  oneOf(call, o, "mode", ["payment", "setup", "subscription"]);
  oneOf(call, o, "captureMethod", ["automatic", "automatic_async", "manual"]);
  oneOf(call, o, "setupFutureUsage", ["off_session", "on_session", null]);
  oneOf(call, o, "paymentMethodCreation", ["manual"]);
  if (o.mode === "payment" && !(Number.isInteger(o.amount) && o.amount > 0)) {
    throw new IntegrationError(`Invalid value for ${call}: amount should be a positive amount in the currency's subunit. You specified: ${o.amount}.`);
  }
  if (o.mode !== "setup" && !/^[a-z]{3}$/.test(o.currency ?? "")) {
    throw new IntegrationError(`Invalid value for ${call}: currency should be a three-letter lowercase ISO code. You specified: ${o.currency}.`);
  }
  if (o.paymentMethodTypes !== undefined && !(Array.isArray(o.paymentMethodTypes) && o.paymentMethodTypes.includes("card"))) {
    throw new IntegrationError(`Invalid value for ${call}: paymentMethodTypes should be an array of strings that the sandbox can collect, which is card. You specified: ${o.paymentMethodTypes}.`);
  }
};

const cardTypes = ["payment", "card", "cardNumber", "cardExpiry", "cardCvc"];

class Elements {
  #elements = new Map();

  constructor(stripe, options) {
    this._stripe = stripe;
    this._options = { ...options };
    this._submitted = false; // submit() succeeded and nothing was made of it yet
    checkGroupOptions("elements()", this._options);
  }

  create(type, options = {}) {
    if (!cardTypes.includes(type)) {
      throw new IntegrationError(`A valid Element name must be provided. Valid Elements are: ${cardTypes.join(", ")}; you passed: ${type}.`);
    }
    if (this.#elements.has(type)) throw new IntegrationError(`Can only create one Element of type ${type}.`);
    if (type === "payment" && !this._options.mode && !this._options.clientSecret) {
      throw new IntegrationError("In order to create a payment element, you must pass a clientSecret or mode when creating the Elements group.");
    }
    for (const other of this.#elements.keys()) {
      if ([type, other].includes("card") && /^card[A-Z]/.test(type + other)) {
        throw new IntegrationError(`Cannot create an Element of type ${type} after an Element of type ${other} has already been created.`);
      }
    }
    const element = new Element(this, type, options);
    this.#elements.set(type, element);
    return element;
  }

  getElement(type) { return this.#elements.get(type) ?? null; }

  update(options) {
    for (const fixed of ["clientSecret", "paymentMethodCreation"]) {
      if (fixed in options) throw new IntegrationError(`elements.update() does not support ${fixed}.`);
    }
    if (!this._options.mode && deferredOptions.some((name) => name in options)) {
      throw new IntegrationError("elements.update() of payment options is only supported when the Elements group was created with a mode.");
    }
    const updated = { ...this._options, ...options };
    checkGroupOptions("elements.update()", updated);
    this._options = updated;
    for (const element of this.#elements.values()) element._refresh();
  }

  // submit validates the fields; errors appear in them. https://docs.stripe.com/js/elements/submit
  async submit() {
    const element = this._payment("elements.submit()");
    const answer = await element._ask("validate");
    this._submitted = !answer.error;
    return answer;
  }

  async fetchUpdates() { return {}; } // the sandbox's intents have nothing that a field shows

  _forget(type) { this.#elements.delete(type); }

  _payment(call) {
    const element = this.#elements.get("payment");
    if (!element?._mounted) throw new IntegrationError(`Invalid value for ${call}: elements should have a mounted Payment Element or Express Checkout Element.`);
    return element;
  }

  // _collect is _payment for a call that uses up what submit() validated.
  _collect(call) {
    const element = this._payment(call);
    if (this._options.mode && !this._submitted) {
      throw new IntegrationError(`elements.submit() must be called before ${call}. Call elements.submit() as soon as your customer presses pay, prior to any asynchronous work. Integration guide: https://stripe.com/docs/payments/accept-a-payment-deferred`);
    }
    this._submitted = false;
    return element;
  }

  // _siblings names the frames of the split card fields, which gather their values among themselves.
  _siblings() {
    return ["cardNumber", "cardExpiry", "cardCvc"].map((type) => this.#elements.get(type)?._frameName).filter(Boolean);
  }

  _clientContext() {
    const o = this._options;
    if (!o.mode) return undefined;
    return {
      mode: o.mode, amount: o.amount, currency: o.currency, payment_method_types: o.paymentMethodTypes,
      capture_method: o.captureMethod, setup_future_usage: o.setupFutureUsage, on_behalf_of: o.onBehalfOf,
    };
  }
}

const address = ["line1", "line2", "city", "state", "postal_code", "country"];
const has = (object, path) => path.split(".").reduce((value, key) => value?.[key], object) !== undefined;

// checkBillingDetails holds the page to its word: what the element was told never to ask for, the page must pass.
// https://docs.stripe.com/js/elements_object/create_payment_element#payment_element_create-options-fields
const checkBillingDetails = (element, details, call, param) => {
  const never = [];
  const collect = (option, name) => {
    if (option === "never") never.push(name);
  };
  const fields = element._options.fields?.billingDetails;
  for (const name of ["name", "email", "phone"]) collect(fields?.[name] ?? fields, name);
  const place = fields?.address ?? fields;
  for (const name of address) collect(place?.[name === "postal_code" ? "postalCode" : name] ?? place, `address.${name}`);
  for (const path of never) {
    if (has(details, path)) continue;
    throw new IntegrationError(`You specified "never" for fields.billing_details.${path} when creating the payment Element, but did not pass ${param}.payment_method_data.billing_details.${path} when calling ${call}. If you opt out of collecting data via the payment Element using the fields option, the data must be passed in when calling ${call}.`);
  }
};
