// Link as the customer sees it: choose a bank, log in, choose an account, done. Each step asks the sandbox; what happens is
// told to the page around as events, and in the end as success or exit.
const around = new URLSearchParams(location.hash.slice(1));
const [token, oauthStateID, id, parentOrigin] = ["token", "oauth_state_id", "id", "parent"].map((name) => around.get(name) ?? "");

const main = document.querySelector("main");
const pane = document.getElementById("pane");
const back = document.getElementById("back");

const session = { id: "", client: "", update: false, institutions: [], institution: null, view: null, status: null, error: null, requestID: "" };
let current = 0; // counts the views: an answer that comes after the next one is not shown

const tell = (type, more = {}) => window.parent.postMessage({ type, id, ...more }, parentOrigin);

const named = () => session.institution && { institution_id: session.institution.institution_id, name: session.institution.name };

const event = (name, more = {}) => tell("event", {
  name,
  metadata: {
    account_number_mask: null, error_type: null, error_code: null, error_message: null, exit_status: null,
    institution_id: session.institution?.institution_id ?? null, institution_name: session.institution?.name ?? null,
    institution_search_query: null, is_update_mode: String(session.update), match_reason: null, mfa_type: null, routing_number: null,
    selection: null, view_name: session.view, timestamp: new Date().toISOString(), link_session_id: session.id, request_id: session.requestID,
    ...more,
  },
});

const errorFields = (error) => error && { error_type: error.error_type, error_code: error.error_code, error_message: error.error_message };

const exit = () => {
  event("EXIT", { exit_status: session.status, ...errorFields(session.error) });
  tell("exit", {
    error: session.error,
    metadata: { institution: named(), status: session.status, link_session_id: session.id, request_id: session.requestID },
  });
};

// ask carries one step out; a refusal is thrown as Link's callbacks give it.
const ask = async (step, body) => {
  let answer;
  try {
    const response = await fetch(`/js/plaid-link/${step}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
    answer = await response.json();
  } catch {
    answer = { error_type: "API_ERROR", error_code: "INTERNAL_SERVER_ERROR", error_message: "an unexpected error occurred", display_message: null, request_id: "" };
  }
  session.requestID = answer.request_id;
  if (!answer.error_code) return answer;
  const { error_type, error_code, error_message, display_message } = answer;
  throw { error_type, error_code, error_message, display_message };
};

const el = (name, properties = {}, ...children) => {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
};

const button = (text, onclick, properties = {}) => el("button", { type: "button", textContent: text, onclick, ...properties });

const mark = (bank) => {
  const initials = bank.name.replace(/[^A-Za-z ]/g, "").split(" ").filter(Boolean).slice(0, 2).map((word) => word[0]).join("");
  const node = el("span", { className: "mark", textContent: initials });
  node.setAttribute("aria-hidden", "true");
  node.style.background = bank.color;
  return node;
};

// show replaces the view; the focus goes to what one reads or does first.
const show = (view, status, { onBack = null, focus = "h1" } = {}, ...children) => {
  current++;
  session.view = view;
  session.status = status;
  back.hidden = !onBack;
  back.onclick = onBack;
  pane.replaceChildren(...children);
  pane.scrollTop = 0;
  main.removeAttribute("aria-busy");
  pane.querySelector(focus)?.focus();
  event("TRANSITION_VIEW");
};

const title = (text) => el("h1", { tabIndex: -1, textContent: text });

// work runs one step with the view disabled, unless the customer moved on meanwhile.
const work = async (step, { done, failed }) => {
  const started = current;
  const controls = [...pane.querySelectorAll("button, input")].filter((control) => !control.disabled);
  for (const control of controls) control.disabled = true;
  main.setAttribute("aria-busy", "true");
  try {
    const answer = await step();
    if (started === current) done(answer);
  } catch (error) {
    if (!error.error_code) throw error;
    if (started !== current) return;
    for (const control of controls) control.disabled = false;
    main.removeAttribute("aria-busy");
    session.error = error;
    event("ERROR", errorFields(error));
    failed(error);
  }
};

const chooseBank = () => {
  session.institution = null;
  session.error = null;
  const list = el("ul");
  const none = el("p", { textContent: "No bank of that name is in this sandbox.", hidden: true });
  const fill = (query) => {
    const found = session.institutions.filter((bank) => bank.name.toLowerCase().includes(query.toLowerCase().trim()));
    none.hidden = found.length > 0;
    list.replaceChildren(...found.map((bank) => el("li", {},
      el("button", { type: "button", className: "bank", onclick: () => selectBank(bank) }, mark(bank), el("span", {}, bank.name, el("small", { textContent: bank.note }))))));
  };
  fill("");
  let pause;
  const search = el("input", { id: "search", type: "search", placeholder: "Search for your bank", autocomplete: "off" });
  search.setAttribute("aria-label", "Search for your bank");
  search.addEventListener("input", () => {
    fill(search.value);
    clearTimeout(pause);
    pause = setTimeout(() => search.value && search.isConnected && event("SEARCH_INSTITUTION", { institution_search_query: search.value }), 400);
  });
  show("SELECT_INSTITUTION", "requires_credentials", {}, title("Choose your bank"),
    el("p", { textContent: `${session.client} asks to see an account. No real bank is behind these names.` }), search, list, none);
};

const selectBank = (bank) => {
  session.institution = bank;
  session.error = null;
  event("SELECT_INSTITUTION");
  if (bank.oauth) return explainOAuth();
  logIn();
};

const backToBanks = () => session.update ? null : chooseBank;

const logIn = () => {
  const problem = el("p", { className: "problem", hidden: true });
  problem.setAttribute("role", "alert");
  const username = el("input", { id: "username", autocomplete: "off", autocapitalize: "none", spellcheck: false, required: true });
  const password = el("input", { id: "password", type: "password", autocomplete: "off", required: true });
  const form = el("form", {},
    problem,
    el("label", { htmlFor: "username", textContent: "Username" }), username,
    el("label", { htmlFor: "password", textContent: "Password" }), password,
    el("p", {}, "Here every bank knows ", el("code", { textContent: "user_good" }), " with ", el("code", { textContent: "pass_good" }), ", and refuses anybody else."),
    el("p", { className: "buttons" }, button("Log in", null, { type: "submit", className: "first" })));
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    problem.hidden = true;
    event("SUBMIT_CREDENTIALS");
    work(() => ask("login", { link_session_id: session.id, institution_id: session.institution.institution_id, username: username.value, password: password.value }), {
      done: ({ accounts }) => {
        session.error = null;
        accounts.length ? chooseAccount(accounts) : finish();
      },
      failed: (error) => {
        if (error.error_code !== "INVALID_CREDENTIALS") return stop(error);
        problem.textContent = error.display_message;
        problem.hidden = false;
        password.value = "";
        password.focus();
      },
    });
  });
  show("CREDENTIAL", "requires_credentials", { onBack: backToBanks(), focus: "#username" }, mark(session.institution), title(session.institution.name),
    el("p", { textContent: "Log in as you do with your bank." }), form);
};

const explainOAuth = () => {
  const go = () => {
    event("OPEN_OAUTH");
    work(() => ask("leave", { link_session_id: session.id, institution_id: session.institution.institution_id }), {
      done: ({ url }) => tell("leave", { url }),
      failed: stop,
    });
  };
  show("OAUTH", "requires_oauth", { onBack: backToBanks() }, mark(session.institution), title(session.institution.name),
    el("p", { textContent: "This bank asks for your consent on its own page, and brings you back here." }),
    el("p", { className: "buttons" }, button("Go to the bank", go, { className: "first" })));
};

const dollars = new Intl.NumberFormat("en-US", { style: "currency", currency: "USD", maximumFractionDigits: 0 });

const chooseAccount = (accounts) => {
  const proceed = button("Continue", null, { type: "submit", className: "first", disabled: true });
  const choices = accounts.map((account) => {
    const radio = el("input", { type: "radio", name: "account", value: account.position, onchange: () => { proceed.disabled = false; } });
    return el("label", { className: "account" }, radio,
      el("span", {}, account.name, el("small", { textContent: `${account.subtype === "savings" ? "Savings" : "Checking"} ••${account.mask}` })),
      el("b", { textContent: dollars.format(account.balance) }));
  });
  const fieldset = el("fieldset", {}, ...choices);
  fieldset.setAttribute("aria-label", "Accounts");
  const form = el("form", {}, fieldset, el("p", { className: "buttons" }, proceed));
  form.addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    finish(Number(new FormData(form).get("account")));
  });
  show("SELECT_ACCOUNT", "requires_account_selection", {}, title("Choose an account"),
    el("p", { textContent: `${session.client} will pay out of this one only.` }), form);
};

const finish = (position = null) => work(() => ask("finish", { link_session_id: session.id, position }), {
  done: ({ public_token: publicToken, metadata }) => {
    const handOff = () => {
      event("HANDOFF");
      tell("success", { publicToken, metadata });
    };
    const [account] = metadata.accounts;
    // The account is linked: closing the window now is no exit any more.
    leave = handOff;
    show("CONNECTED", "connected", { focus: "button" }, el("p", { className: "sign", textContent: "✓", ariaHidden: "true" }),
      title(session.update ? "Your bank is connected again" : "Your account is connected"),
      el("p", { textContent: session.update ? session.institution.name : `${session.institution.name}, ${account.subtype} ••${account.mask}` }),
      el("p", { className: "buttons" }, button("Finish", handOff, { className: "first" })));
  },
  failed: (error) => stop(error),
});

// stop is the end of the road with this bank.
const stop = (error) => {
  session.error = error;
  const bank = session.institution;
  const again = session.id && bank && !session.update;
  const heading = {
    INSTITUTION_DOWN: `${bank?.name} is not responding`,
    INVALID_LINK_TOKEN: "This took too long",
    NO_AUTH_ACCOUNTS: "No account fits",
    ACCESS_NOT_GRANTED: "You did not give access",
  }[error.error_code] ?? "Something went wrong";
  show("ERROR", session.status, {}, el("p", { className: "sign bad", textContent: "!", ariaHidden: "true" }), title(heading),
    el("p", { textContent: error.display_message ?? "Close this window and try again." }),
    el("p", { className: "buttons" },
      ...(again ? [button("Choose another bank", chooseBank, { className: "first" })] : []),
      button("Close", exit, { className: again ? "" : "first" })));
};

let leave = exit;
document.getElementById("close").addEventListener("click", () => leave());
window.addEventListener("message", ({ source, origin, data }) => {
  if (source === window.parent && origin === parentOrigin && data?.id === id && data.type === "exit") leave();
});

// The focus goes round within the window; Escape leaves it.
document.addEventListener("keydown", (pressed) => {
  if (pressed.key === "Escape") {
    pressed.preventDefault();
    leave();
  }
  if (pressed.key !== "Tab") return;
  const stops = [...main.querySelectorAll("button, input")].filter((node) => !node.disabled && !node.closest("[hidden]"));
  const [first, last] = [stops[0], stops.at(-1)];
  if (pressed.shiftKey && (document.activeElement === first || !stops.includes(document.activeElement))) {
    pressed.preventDefault();
    last.focus();
  } else if (!pressed.shiftKey && document.activeElement === last) {
    pressed.preventDefault();
    first.focus();
  }
});

const start = async () => {
  try {
    const answer = await ask("start", { link_token: token, oauth_state_id: oauthStateID });
    Object.assign(session, { id: answer.link_session_id, client: answer.client_name, update: answer.update, institutions: answer.institutions, institution: answer.institution ?? null });
    event("OPEN");
    if (answer.refusal) {
      event("FAIL_OAUTH", errorFields(answer.refusal));
      return stop(answer.refusal);
    }
    if (oauthStateID) event("CLOSE_OAUTH");
    if (answer.accounts) return answer.accounts.length ? chooseAccount(answer.accounts) : finish();
    if (!session.institution) return chooseBank();
    session.institution.oauth ? explainOAuth() : logIn();
  } catch (error) {
    if (!error.error_code) throw error;
    event("OPEN");
    event("ERROR", errorFields(error));
    stop(error);
  }
};
start();
