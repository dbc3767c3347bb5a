// retrieve fetches a PaymentIntent as its customer may see it.
const retrieve = (key, clientSecret, call) =>
  api("GET", `/v1/payment_intents/${intentID(clientSecret, call)}`, { key, client_secret: clientSecret });

// finish takes a confirmed PaymentIntent through the bank's page, if it asks for one, to its result.
const finish = async (key, paymentIntent) => {
  const action = paymentIntent.next_action?.type;
  if (paymentIntent.status !== "requires_action") return { paymentIntent };
  if (action !== "use_stripe_sdk" && action !== "redirect_to_url") {
    throw new IntegrationError(`The next action ${action} cannot be handled.`);
  }
  await challenge(paymentIntent, key);
  const { object, error } = await retrieve(key, paymentIntent.client_secret, "the PaymentIntent's");
  if (error) return { error };
  if (object.status === "requires_payment_method") return { error: { ...object.last_payment_error, payment_intent: object } };
  return { paymentIntent: object };
};

// mismatch tells where the options the customer saw differ from the PaymentIntent, which then must not be confirmed.
const mismatch = (context, intent) => {
  if (!context) return null;
  const seen = { amount: context.amount, currency: context.currency, capture_method: context.capture_method ?? "automatic", setup_future_usage: context.setup_future_usage ?? null };
  for (const [name, value] of Object.entries(seen)) {
    if (value === intent[name]) continue;
    return { type: "invalid_request_error", param: name, message: `The provided ${name} (${value}) does not match the expected ${name} (${intent[name]}).` };
  }
  return null;
};

class StripeInstance {
  #key;
  #locale;

  constructor(key, options) {
    this.#key = key;
    this.#locale = options.locale;
  }

  elements(options = {}) { return new Elements(this, { locale: this.#locale, ...options }); }

  // https://docs.stripe.com/js/confirmation_tokens/create_confirmation_token
  async createConfirmationToken(options) {
    const call = "stripe.createConfirmationToken()";
    const elements = this.#group(options?.elements, call);
    const element = elements._collect(call);
    const { payment_method_data: data = {}, return_url, shipping } = options.params ?? {};
    warnUnknown(call, options.params ?? {}, ["payment_method_data", "return_url", "shipping"]);
    checkBillingDetails(element, data.billing_details, call, "params");
    return result("confirmationToken", await element._ask("collect", {
      path: "/v1/confirmation_tokens", prefix: "payment_method_data",
      params: { key: this.#key, payment_method_data: { ...data, type: "card" }, return_url, shipping, client_context: elements._clientContext() },
    }));
  }

  // https://docs.stripe.com/js/payment_methods/create_payment_method
  async createPaymentMethod(options) {
    const call = "stripe.createPaymentMethod()";
    if (options?.elements) {
      const elements = this.#group(options.elements, call);
      if (elements._options.paymentMethodCreation !== "manual") {
        throw new IntegrationError("Before you call stripe.createPaymentMethod() with elements, create them with paymentMethodCreation: 'manual'.");
      }
      const element = elements._collect(call);
      checkBillingDetails(element, options.params?.billing_details, call, "params");
      return this.#paymentMethod(element, options.params);
    }
    if (options?.type === "us_bank_account") return this.#bankMethod(options);
    if (options?.type !== "card") throw new IntegrationError(`Invalid value for createPaymentMethod: type should be one of the following strings: card, us_bank_account. You specified: ${options?.type}.`);
    const { type, card, ...rest } = options;
    return this.#paymentMethod(this.#cardElement(card, "createPaymentMethod: card"), rest);
  }

  // https://docs.stripe.com/js/payment_intents/confirm_payment
  async confirmPayment(options) {
    const call = "stripe.confirmPayment()";
    const { elements, confirmParams = {}, redirect = "always" } = options ?? {};
    const clientSecret = options?.clientSecret ?? elements?._options.clientSecret;
    const id = intentID(clientSecret, "stripe.confirmPayment()");
    if (redirect === "always" && !confirmParams.return_url) {
      throw new IntegrationError(`Invalid value for ${call}: confirmParams.return_url should be a string when redirect is always. You specified: undefined.`);
    }
    const { payment_method_data: data = {}, ...rest } = confirmParams;
    const params = { ...rest, key: this.#key, client_secret: clientSecret, use_stripe_sdk: true };
    let answer;
    if (elements) {
      const element = this.#group(elements, call)._collect(call);
      checkBillingDetails(element, data.billing_details, call, "confirmParams");
      const intent = await retrieve(this.#key, clientSecret, call);
      const refusal = intent.error ?? mismatch(elements._clientContext(), intent.object);
      if (refusal) return { error: refusal };
      answer = await element._ask("collect", {
        path: `/v1/payment_intents/${id}/confirm`, prefix: "payment_method_data",
        params: { ...params, payment_method_data: { ...data, type: "card" } },
      });
    } else {
      answer = await api("POST", `/v1/payment_intents/${id}/confirm`, params);
    }
    const outcome = answer.error ? answer : await finish(this.#key, answer.object);
    if (redirect !== "always" || outcome.error) return outcome;
    location.assign(returnURL(confirmParams.return_url, outcome.paymentIntent));
    return new Promise(() => {}); // the page goes away
  }

  // https://docs.stripe.com/js/payment_intents/confirm_card_payment
  async confirmCardPayment(clientSecret, data = {}, { handleActions = true } = {}) {
    const id = intentID(clientSecret, "stripe.confirmCardPayment");
    const { payment_method: method, ...rest } = data;
    const params = { ...rest, key: this.#key, client_secret: clientSecret, use_stripe_sdk: true };
    let answer;
    if (method && typeof method === "object") {
      const { card, ...details } = method;
      const element = this.#cardElement(card, "confirmCardPayment: payment_method.card");
      answer = await element._ask("collect", {
        path: `/v1/payment_intents/${id}/confirm`, prefix: "payment_method_data", siblings: element._group._siblings(),
        params: { ...params, payment_method_data: { ...details, type: "card" } },
      });
    } else {
      answer = await api("POST", `/v1/payment_intents/${id}/confirm`, { ...params, payment_method: method });
    }
    if (answer.error) return answer;
    return handleActions ? finish(this.#key, answer.object) : { paymentIntent: answer.object };
  }

  // https://docs.stripe.com/js/payment_intents/handle_next_action
  async handleNextAction(options) {
    const { object, error } = await retrieve(this.#key, options?.clientSecret, "stripe.handleNextAction()");
    if (error) return { error };
    if (object.status !== "requires_action") throw new IntegrationError("handleNextAction: The PaymentIntent supplied is not in the requires_action state.");
    return finish(this.#key, object);
  }

  // https://docs.stripe.com/js/payment_intents/retrieve_payment_intent
  async retrievePaymentIntent(clientSecret) {
    return result("paymentIntent", await retrieve(this.#key, clientSecret, "stripe.retrievePaymentIntent()"));
  }

  async #paymentMethod(element, details) {
    return result("paymentMethod", await element._ask("collect", {
      path: "/v1/payment_methods", prefix: "", siblings: element._group._siblings(),
      params: { ...details, key: this.#key, type: "card" },
    }));
  }

  // Bank accounts have no element: the page hands the numbers over, and they go to the API and nowhere else.
  async #bankMethod({ type, us_bank_account: account, billing_details: billing, ...rest }) {
    const call = "stripe.createPaymentMethod()";
    warnUnknown(call, rest, ["metadata"]);
    for (const name of ["account_holder_type", "routing_number", "account_number"]) {
      if (typeof account?.[name] !== "string") throw new IntegrationError(`Invalid value for ${call}: us_bank_account.${name} should be a string.`);
    }
    if (!billing?.name) throw new IntegrationError(`Invalid value for ${call}: billing_details.name should be a string.`);
    return result("paymentMethod", await api("POST", "/v1/payment_methods", { key: this.#key, type, us_bank_account: account, billing_details: billing, ...rest }));
  }

  #group(elements, call) {
    if (!(elements instanceof Elements)) throw new IntegrationError(`Invalid value for ${call}: elements should be an Elements instance. You specified: ${elements}.`);
    if (elements._stripe !== this) throw new IntegrationError(`Please use the same instance of \`Stripe\` you used to create this Elements group to call ${call}.`);
    return elements;
  }

  #cardElement(element, name) {
    if (!(element instanceof Element)) throw new IntegrationError(`Invalid value for ${name} should be object or element. You specified: ${element}.`);
    if (!["card", "cardNumber"].includes(element._type)) throw new IntegrationError(`Invalid value for ${name} should be a card or cardNumber Element. You specified: ${element._type}.`);
    this.#group(element._group, name);
    return element;
  }
}

// returnURL adds what Stripe adds when it sends the customer back.
const returnURL = (url, { id, client_secret, status }) => {
  const to = new URL(url);
  to.searchParams.set("payment_intent", id);
  to.searchParams.set("payment_intent_client_secret", client_secret);
  to.searchParams.set("redirect_status", ["succeeded", "processing", "requires_capture"].includes(status) ? "succeeded" : "failed");
  return to.href;
};

window.Stripe = function Stripe(key, options = {}) {
  if (typeof key !== "string" || key === "") throw new IntegrationError("Missing value for Stripe(): apiKey should be a string.");
  if (/^[sr]k_/.test(key)) throw new IntegrationError("You should not use your secret key with Stripe.js. Please pass a publishable key instead.");
  if (!key.startsWith("pk_")) throw new IntegrationError(`Invalid value for Stripe(): apiKey should be a publishable key. You specified a string that is none.`);
  warnUnknown("Stripe()", options, ["apiVersion", "betas", "locale", "stripeAccount"]);
  return new StripeInstance(key, options);
};
window.Stripe.version = 3;
