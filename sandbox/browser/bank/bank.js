// The bank's page of 3-D Secure: asks, tells the API the answer, and hands the customer back: to the page around it when
// framed, to return_url when it stands alone (next_action redirect_to_url).
const query = new URLSearchParams(location.search);
const kind = query.has("setup_intent") ? "setup_intent" : "payment_intent";
const [id, clientSecret] = [kind, "client_secret"].map((name) => query.get(name) ?? "");
const { key } = document.documentElement.dataset;
const around = new URLSearchParams(location.hash.slice(1));
const framed = window.parent !== window;

const find = (name) => document.getElementById(name);
const say = (message) => {
  find("message").textContent = message;
  find("message").hidden = false;
};
const enable = (on) => {
  for (const name of ["succeed", "fail"]) find(name).disabled = !on;
};
const tell = (type) => window.parent.postMessage({ type, id: around.get("id") }, around.get("parent"));

const ask = async (request) => {
  const answer = await request;
  const object = await answer.json();
  if (object.error) throw new Error(object.error.message);
  return object;
};
const path = `/v1/${kind}s/${encodeURIComponent(id)}`;
const fetchIntent = () => ask(fetch(`${path}?${new URLSearchParams({ key, client_secret: clientSecret, "expand[]": "payment_method" })}`, { cache: "no-store" }));

// Amounts come in the currency's smallest unit; the browser knows how many decimals that makes.
const money = (amount, currency) => {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
};

const returnTo = (intent) => query.get("return_url") ?? intent.next_action?.redirect_to_url?.return_url;

const show = (intent) => {
  // A SetupIntent moves no money.
  find("amount").textContent = intent.amount === undefined ? "Nothing now, saved for later" : money(intent.amount, intent.currency.toUpperCase());
  const asking = framed ? around.get("parent") : returnTo(intent);
  find("merchant").textContent = asking && new URL(asking).host;
  find("payee").hidden = !asking;
  const card = intent.payment_method?.card;
  find("card").textContent = card ? `${card.brand} ••${card.last4}` : "";
  find("means").hidden = !card;
  find("payment").hidden = false;
};

const handBack = (intent) => {
  if (framed) return tell("done");
  const to = returnTo(intent);
  if (!to) return say("Done. You can close this page.");
  const url = new URL(to);
  if (!/^https?:$/.test(url.protocol)) throw new Error("return_url is not a web address.");
  url.searchParams.set(kind, id);
  url.searchParams.set(`${kind}_client_secret`, clientSecret);
  url.searchParams.set("redirect_status", ["succeeded", "processing", "requires_capture"].includes(intent.status) ? "succeeded" : "failed");
  location.replace(url);
};

const answer = async (outcome) => {
  enable(false);
  try {
    await ask(fetch(`${path}/sandbox_3ds`, { method: "POST", body: new URLSearchParams({ key, client_secret: clientSecret, outcome }) }));
    handBack(await fetchIntent());
  } catch (error) {
    say(error.message);
    enable(true);
  }
};

find("succeed").addEventListener("click", () => answer("succeed"));
find("fail").addEventListener("click", () => answer("fail"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && framed) tell("leave");
});

try {
  const intent = await fetchIntent();
  show(intent);
  if (intent.status === "requires_action") {
    enable(true);
    find("succeed").focus();
  } else {
    handBack(intent);
  }
} catch (error) {
  say(error.message);
}
