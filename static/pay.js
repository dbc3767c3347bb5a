// Upgrades the pages of customers. Without it everything works up to Stripe's own card form.
(() => {
  "use strict";
  const $ = (id) => document.getElementById(id);
  const json = { Accept: "application/json" };
  const pay = $("pay"), payment = $("payment");

  // Stripe.js comes from another site: it may be slow, blocked or gone.
  const stripeJS = new Promise((ready, failed) => {
    if (window.Stripe) return ready(window.Stripe);
    const tag = $("stripe");
    if (!tag) return failed();
    tag.addEventListener("load", () => ready(window.Stripe));
    tag.addEventListener("error", failed);
    setTimeout(failed, 8000);
  });
  stripeJS.catch(() => {}); // who waits for it is told; a page that is left before it came owes nobody an error

  // What is wrong looks as it does when the server says it.
  const trouble = (text) => {
    const p = document.createElement("p"), words = document.createElement("span"), sign = $("sign");
    p.className = "problem";
    words.textContent = text;
    if (sign) p.append(sign.content.cloneNode(true));
    p.append(words);
    return p;
  };
  const note = (place, text, again) => {
    const p = trouble(text);
    if (again) {
      const a = document.createElement("a");
      a.href = location.href;
      a.textContent = again;
      p.lastChild.append(" ", a);
    }
    place.replaceChildren(...(text ? [p] : []));
  };

  const busy = (button, text) => {
    button.setAttribute("aria-disabled", text ? "true" : "false");
    if (!text) return;
    const spin = document.createElement("span");
    spin.className = "spin";
    const words = document.createElement("span");
    words.textContent = text;
    button.replaceChildren(spin, words);
  };

  // The card form takes its colours from the page's tokens.
  const appearance = () => {
    const css = getComputedStyle(document.documentElement);
    const v = (name) => css.getPropertyValue("--" + name).trim();
    return {
      theme: "flat",
      variables: {
        colorPrimary: v("accent-fill"), colorBackground: v("surface"), colorText: v("ink"), colorTextSecondary: v("ink2"),
        colorTextPlaceholder: v("ink3"), colorDanger: v("bad"), fontFamily: v("sans"), fontSizeBase: "16px",
        borderRadius: "10px", spacingUnit: "4px",
      },
      rules: {
        ".Input": { border: "1px solid " + v("edge"), boxShadow: "none", padding: "12px 14px" },
        ".Input:focus": { outline: "2px solid " + v("accent"), outlineOffset: "2px", boxShadow: "none" },
        ".Input--invalid": { border: "2px solid " + v("bad"), boxShadow: "none" },
        ".Label": { fontWeight: "600", fontSize: "14px", color: v("ink") },
      },
    };
  };

  function payPage() {
    const button = $("press"), face = [...button.children], problem = $("card-problem"), said = $("said"), calm = said.textContent;
    const field = (name) => pay.elements.namedItem(name);
    const amount = field("amount"), token = field("confirmation_token"), other = $("other");
    const method = () => field("method") ? field("method").value : "";
    const permission = $("permission"), mandate = $("f-mandate");
    const box = () => pay.querySelector("[name=save]:not(:disabled)");
    let options = pay.dataset.elements && JSON.parse(pay.dataset.elements), stripe, elements, latest = Promise.resolve(true), pressed = false, begun = false;

    // What the button says is true of one choice. Of any other it names no amount until the server has
    // said what that choice means; a press that comes before waits for that.
    const choice = () => method() + " " + amount.value;
    const marked = pay.querySelector("[name=method][checked], [name=method][type=hidden]");
    let label = face[1].textContent, sure = amount.hasAttribute("aria-invalid") ? "" : (marked ? marked.value : "") + " " + amount.defaultValue;
    let aimed, timer;
    const show = (text) => {
      busy(button, "");
      face[1].textContent = text;
      if (face[1].parentNode !== button) button.replaceChildren(...face); // moved under a finger, they would lose its click
    };
    const name = (text, price) => {
      label = text;
      if (!pressed) show(text);
      document.querySelectorAll("[data-price]").forEach((p) => { p.textContent = price; });
    };
    const unname = (text) => {
      sure = "";
      name(text, "");
    };

    const frame = document.querySelector(".frame");
    const failed = () => {
      if (!frame || elements && elements.ready) return;
      frame.hidden = true;
      note(problem, pay.dataset.failed, pay.dataset.again);
    };
    // The card form is made when a card is chosen first: a frame that nobody sees cannot measure itself.
    const makeCard = () => {
      if (begun || !frame || method() !== "card") return;
      begun = true;
      frame.hidden = false;
      setTimeout(failed, 8000);
      stripeJS.then((Stripe) => {
        stripe = Stripe(pay.dataset.key, { locale: pay.dataset.lang });
        elements = stripe.elements({ ...options, appearance: appearance() });
        const card = elements.create("payment", { layout: "tabs" });
        card.on("ready", () => {
          elements.ready = true;
          frame.hidden = false;
          document.querySelector(".grey").remove();
          if (!pressed) problem.querySelector("a") && note(problem, "");
        });
        card.on("loaderror", failed);
        card.on("change", () => note(problem, ""));
        card.mount("#card");
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => elements.update({ appearance: appearance() }));
      }).catch(failed);
    };

    // The server says what a choice means; the button repeats it, and the permission says the same amount.
    const quote = () => {
      clearTimeout(timer);
      const of = choice(), q = new URLSearchParams({ amount: amount.value, method: method() });
      if (box() && box().checked) q.set("save", "on");
      if (of !== sure) unname(pay.dataset.checking);
      const mine = latest = fetch(pay.dataset.base + "/quote?" + q, { headers: json }).then((r) => r.ok ? r.json() : Promise.reject()).then((told) => {
        if (mine !== latest) return latest; // typed on meanwhile
        if (of !== choice()) return false;
        problems(told);
        name(told.button, told.price || "");
        sure = of;
        permit(told.permission || []);
        if (told.elements) {
          options = told.elements;
          if (elements) elements.update({ amount: options.amount, setupFutureUsage: options.setupFutureUsage || null });
        }
        return told.ok || !other; // where nothing can be typed, the server judges what is sent
      }).catch(() => {
        if (mine !== latest) return latest;
        permit([]); // what stands there may name another amount
        unname(pay.dataset.unnamed);
        return null; // not reached
      });
      return mine;
    };
    const typed = () => {
      clearTimeout(timer);
      unname(pay.dataset.checking);
      said.textContent = calm;
      timer = setTimeout(quote, 250);
    };

    // A permission that says something else has not been given.
    const permit = (paragraphs) => {
      if (!permission) return;
      const text = $("permission-text"), before = text.textContent;
      text.replaceChildren(...paragraphs.map((parts) => {
        const p = document.createElement("p");
        p.append(...parts.map(({ text, bold, line }) => {
          if (!bold && !line) return text;
          const piece = document.createElement(bold ? "strong" : "span");
          if (line) piece.className = "nb";
          piece.textContent = text;
          return piece;
        }));
        return p;
      }));
      permission.hidden = paragraphs.length === 0;
      if (text.textContent.replace(/\s/g, "") !== before.replace(/\s/g, "")) mandate.checked = false;
    };

    // What is put right is asked for no longer, beside its field and on top of the page.
    const settle = (control) => {
      const line = $(control.id + "-problem"), top = $("problems");
      if (line) line.remove();
      control.removeAttribute("aria-invalid");
      control.removeAttribute("aria-describedby");
      const asked = top && top.querySelector("a[href='#" + control.id + "']");
      if (asked) asked.closest("li").remove();
      if (!asked || top.querySelector("li")) return;
      top.remove();
      document.title = pay.dataset.title;
    };
    if (mandate) mandate.addEventListener("change", () => { if (mandate.checked) settle(mandate); });

    const problems = (said) => {
      if (!other) return;
      settle(amount);
      $("uses").replaceChildren();
      if (said.ok) return;
      const line = trouble(said.problem);
      line.id = "f-amount-problem";
      line.setAttribute("role", "alert");
      $("uses").before(line);
      amount.setAttribute("aria-invalid", "true");
      amount.setAttribute("aria-describedby", line.id);
      $("uses").replaceChildren(...(said.uses || []).map((use) => {
        const a = document.createElement("a");
        a.className = "button secondary";
        a.href = pay.dataset.base + "?amount=" + encodeURIComponent(use.value);
        a.dataset.amount = use.value;
        a.textContent = use.label;
        return a;
      }));
    };

    if (other) {
      // They are links, so that they work without script. With it they are the radios they look like.
      const rows = [...document.querySelectorAll("a.row")];
      const check = () => rows.forEach((a) => a.setAttribute("aria-checked", a.hasAttribute("aria-current") ? "true" : "false"));
      $("picks").setAttribute("role", "radiogroup");
      rows.forEach((a) => a.setAttribute("role", "radio"));
      check();
      $("picks").addEventListener("keydown", (event) => {
        const at = rows.indexOf(event.target), step = { " ": 0, ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (at < 0 || step === undefined) return;
        event.preventDefault();
        if (step === 0) return rows[at].click();
        rows[(at + step + rows.length) % rows.length].focus();
      });
      pay.addEventListener("click", (event) => {
        const link = event.target.closest("a[data-amount], a[data-other]");
        if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        const own = "other" in link.dataset;
        const row = own || link.classList.contains("row") ? link : null;
        rows.forEach((a) => {
          const same = row ? a === row : a.dataset.amount === link.dataset.amount;
          same ? a.setAttribute("aria-current", "true") : a.removeAttribute("aria-current");
        });
        if (!row && !document.querySelector("a.row[aria-current]")) document.querySelector("a[data-other]").setAttribute("aria-current", "true");
        check();
        other.hidden = !document.querySelector("a[data-other][aria-current]");
        if (!own) amount.value = link.dataset.amount;
        quote();
        if (own) { amount.focus(); amount.select(); }
      });
      amount.addEventListener("input", typed);
      amount.addEventListener("change", () => { if (choice() !== sure) quote(); });
    }

    // What belongs to a method that is not chosen is neither seen nor sent.
    const choose = () => {
      pay.querySelectorAll(".method").forEach((one) => {
        const radio = one.querySelector("[name=method]"), save = one.querySelector("[name=save]");
        if (radio && save) save.disabled = !radio.checked;
      });
      makeCard();
    };
    pay.addEventListener("change", (event) => {
      if (event.target.name === "method") choose();
      if (event.target.name === "method" || event.target.name === "save") quote();
    });
    // The amount goes along to the pages on the way.
    const along = (link) => {
      const to = new URL(link.href);
      to.searchParams.set("amount", amount.value);
      return to.href;
    };
    pay.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-keep]");
      if (link) link.href = along(link);
    });
    const ask = $("ask-code");
    if (ask) ask.addEventListener("submit", () => { ask.elements.namedItem("amount").value = amount.value; });

    const stop = (text) => {
      pressed = false;
      show(label);
      said.textContent = calm;
      note(problem, text);
      if (text) problem.scrollIntoView({ block: "center" });
    };
    // What is wrong in a field, Stripe says beside it.
    const refused = (error) => stop(error.type === "validation_error" ? "" : error.message);

    // Whoever lays a finger on the button means what it says then, not what it says when the finger lifts.
    button.addEventListener("pointerdown", () => { aimed = sure; });
    pay.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (pressed) return;
      pressed = true;
      // A press pays what was chosen when it came, and nothing while the button names anything else.
      const meant = choice(), told = aimed === undefined ? sure : aimed, named = told === "" || told === meant;
      aimed = undefined;
      const stands = () => {
        if (choice() === meant && sure === meant) return true;
        stop("");
        said.textContent = choice() === sure ? pay.dataset.changed : pay.dataset.unchecked;
        return false;
      };
      // Where the server could not be asked, its own page names the amount before anything is paid.
      const review = () => {
        const ask = document.createElement("input");
        ask.type = "hidden";
        ask.name = "review";
        ask.value = "on";
        pay.append(ask);
        pay.submit();
      };
      const send = () => {
        if (!stands()) return;
        field("said").value = amount.value;
        // Who comes back from the bank's no finds the amount and the way that were tried.
        const back = new URL(pay.dataset.base, location.href);
        back.searchParams.set("tried", amount.value);
        if (method() !== "card") back.searchParams.set("method", method());
        history.replaceState(null, "", back);
        pay.submit();
      };
      try {
        const legal = await (meant === sure ? latest : quote());
        if (choice() !== meant) return stands();
        if (legal === null) return review();
        if (legal === false) {
          stop("");
          other.hidden = false;
          return amount.focus();
        }
        const chosen = pay.querySelector("[name=method]:checked");
        const way = chosen && chosen.closest(".method").querySelector("#connect, .account a[href*='/bank/']");
        if (way) {
          pressed = false;
          return location.assign(along(way));
        }
        if (!stands()) return;
        if (!named) {
          stop("");
          said.textContent = pay.dataset.changed;
          return;
        }
        said.textContent = pay.dataset.busy;
        if (method() !== "card") {
          busy(button, pay.dataset.busy);
          return send();
        }
        if (!elements || !elements.ready) {
          stop("");
          return failed();
        }
        busy(button, pay.dataset.busy);
        const sent = await elements.submit();
        if (sent.error) return refused(sent.error);
        const made = await stripe.createConfirmationToken({ elements });
        if (made.error) return refused(made.error);
        token.value = made.confirmationToken.id;
        send();
      } catch {
        stop(pay.dataset.failed);
      }
    });
    // The back button brings the page as it was left.
    addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
    choose();
    // A browser may bring back what was chosen or typed before a reload.
    if (choice() !== sure && !amount.hasAttribute("aria-invalid")) quote();
  }

  function paymentPage() {
    const d = payment.dataset, button = $("answer");
    const look = () => fetch(d.check, { method: "POST", headers: json }).then((r) => r.json()).then(({ status }) => {
      if (status && status !== d.status) location.replace(location.pathname);
    }, () => {});
    // Often at first, then every 10 seconds.
    const poll = (wait) => setTimeout(() => look().then(() => poll(Math.min(wait * 1.5, 10000))), wait);

    const answer = async () => {
      if (button.getAttribute("aria-disabled") === "true") return;
      const words = button.innerHTML;
      busy(button, d.waiting);
      $("said").textContent = "";
      try {
        await look();
        const Stripe = await stripeJS;
        const got = await fetch(d.action, { method: "POST", headers: json }).then((r) => r.json());
        if (got.client_secret) await Stripe(d.key, { locale: d.lang }).handleNextAction({ clientSecret: got.client_secret });
      } catch {
        $("said").textContent = d.failed;
      }
      button.innerHTML = words;
      busy(button, "");
      await look();
      poll(2000);
    };
    if (!button) return poll(1500);
    button.hidden = false;
    button.addEventListener("click", answer);
    answer();
  }

  // A code is pasted as the mail shows it.
  const code = document.querySelector("input.code");
  if (code) code.addEventListener("input", () => {
    const plain = code.value.replace(/[\s-]/g, "");
    if (plain !== code.value) code.value = plain;
  });

  const go = $("go");
  if (go) {
    const say = () => { go.textContent = document.querySelector("[name=method]:checked").dataset.label; };
    go.form.addEventListener("change", say);
    addEventListener("pageshow", say);
    say();
  }

  if (pay) payPage();
  if (payment && payment.dataset.check) paymentPage();
})();
