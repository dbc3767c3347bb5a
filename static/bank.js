// Connects a bank account: opens Plaid Link, or hands typed numbers to Stripe. No number of an account passes
// through this site.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const bank = $("bank"), account = $("account"), open = $("open"), told = $("told");
  const d = (bank || account).dataset, words = open.innerHTML;

  // A script of another site may be slow, blocked or gone.
  const loaded = (tag, name) => new Promise((ready, failed) => {
    if (window[name]) return ready(window[name]);
    tag.addEventListener("load", () => ready(window[name]));
    tag.addEventListener("error", failed);
    setTimeout(failed, 8000);
  });

  const tell = (text) => {
    told.hidden = !text;
    if (text && d.resume === "on") document.querySelector(".lead").hidden = true; // it says that it goes on
    (told.querySelector("span") || told).textContent = text;
    if (text) told.focus();
  };

  const busy = (text) => {
    open.setAttribute("aria-disabled", text ? "true" : "false");
    if (!text) { open.innerHTML = words; return; }
    const spin = document.createElement("span"), say = document.createElement("span");
    spin.className = "spin";
    say.textContent = text;
    open.replaceChildren(spin, say);
  };

  // send answers what the server says, or throws its sentence.
  const send = async (url, body) => {
    const response = await fetch(url, {
      method: "POST", body: JSON.stringify(body), headers: { Accept: "application/json", "Content-Type": "application/json" },
    });
    const answer = await response.json();
    if (response.ok) return answer;
    const [field] = answer.errors || [];
    throw Object.assign(new Error(), { said: field ? field.detail : answer.detail });
  };
  const stop = (text) => {
    busy("");
    tell(text);
  };

  const link = async () => {
    if (open.getAttribute("aria-disabled") === "true") return;
    tell("");
    busy(d.busy);
    const resume = d.resume === "on" && location.search !== "";
    let Plaid, token;
    try {
      Plaid = await loaded($("plaid"), "Plaid");
    } catch {
      return stop(d.unloaded);
    }
    try {
      const amount = new URL(d.back, location.href).searchParams.get("amount") || "";
      token = (await send(d.session, { resume, amount, method: d.method })).link_token;
    } catch (error) {
      return stop(error.said || d.failed);
    }
    const handler = Plaid.create({
      token,
      receivedRedirectUri: resume ? location.href : undefined,
      onSuccess: async (publicToken, metadata) => {
        busy(d.keeping);
        try {
          // A login that was renewed leaves the account what it was.
          const chosen = d.method ? {} : { public_token: publicToken, account_id: metadata.accounts[0].id };
          const { method } = await send(d.keep, chosen);
          const back = new URL(d.back, location.href);
          back.searchParams.set("method", method.id);
          location.replace(back);
        } catch (error) {
          stop(error.said || d.failed);
        }
      },
      onExit: (error, metadata) => {
        handler.destroy();
        const name = metadata && metadata.institution && metadata.institution.name;
        if (!error) return stop(d.left);
        if (name && /^INSTITUTION_(DOWN|NOT_RESPONDING|NOT_AVAILABLE)$/.test(error.error_code)) return stop(d.down.replace("%s", name));
        stop(error.error_code === "ACCESS_NOT_GRANTED" ? d.left : d.failed);
      },
    });
    // What the bank added to the address has served.
    if (resume) history.replaceState(null, "", location.pathname);
    handler.open();
  };

  const value = (id) => $(id).value.trim();
  const digits = (id) => value(id).replace(/[\s-]/g, "");
  const check = async (event) => {
    event.preventDefault();
    if (open.getAttribute("aria-disabled") === "true") return;
    if (!value("a-holder") || !/^\d{9}$/.test(digits("a-routing")) || !/^\d{4,17}$/.test(digits("a-number"))) return tell(d.missing);
    if (!$("a-mandate").checked) return tell(d.permit);
    tell("");
    busy(d.busy);
    let Stripe;
    try {
      Stripe = await loaded($("stripe"), "Stripe");
    } catch {
      return stop(d.unloaded);
    }
    try {
      const made = await Stripe(d.key, { locale: d.lang }).createPaymentMethod({
        type: "us_bank_account",
        us_bank_account: {
          routing_number: digits("a-routing"), account_number: digits("a-number"),
          account_type: $("a-type").value, account_holder_type: $("a-whose").value,
        },
        billing_details: { name: value("a-holder") },
      });
      if (made.error) return stop(made.error.message);
      location.assign((await send(d.check, { payment_method: made.paymentMethod.id, mandate: "on" })).next);
    } catch (error) {
      stop(error.said || d.failed);
    }
  };

  open.hidden = false;
  if (account) return account.addEventListener("submit", check);
  open.addEventListener("click", link);
  link();
})();
