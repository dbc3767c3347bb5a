// Upgrades of the desk. Every act works without: dialogs are pages, menus are <details>, and the
// server adds lines and sums.
"use strict";

const find = (selector, root = document) => root.querySelector(selector);
const on = (type, selector, act) => document.addEventListener(type, (event) => {
  const target = event.target.closest?.(selector);
  if (target) act(event, target);
});

// A link to a page that holds a sheet opens the sheet over this page.
on("click", "a[data-sheet]", async (event, link) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  event.preventDefault();
  try {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const sheet = answer.ok && !answer.redirected && find(".sheet", page);
    if (!sheet) throw new Error("no sheet");
    const dialog = document.createElement("dialog");
    const heading = find("h1", sheet);
    heading.id = "sheet";
    dialog.setAttribute("aria-labelledby", "sheet");
    dialog.append(document.importNode(sheet, true));
    dialog.addEventListener("close", () => { dialog.remove(); link.focus(); });
    dialog.addEventListener("click", (press) => { if (press.target === dialog) dialog.close(); });
    link.closest("details")?.removeAttribute("open");
    document.body.append(dialog);
    dialog.showModal();
    find("input:not([type=hidden]), textarea", dialog)?.focus();
    upgrade(dialog);
  } catch {
    location.href = link.href;
  }
});
on("click", "dialog [data-close]", (event, link) => { event.preventDefault(); link.closest("dialog").close(); });

// One menu is open at a time.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.more[open], details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = find("details.more[open], details.menu[open]");
  if (menu) { menu.open = false; find("summary", menu).focus(); }
});

on("click", "[data-copy]", async (_, button) => {
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
    find("span", button).textContent = button.dataset.copied;
  } catch {
    field.select(); // the keyboard copies it
  }
});

// A form is sent once, however often it is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  form.dataset.sent = "1";
  event.submitter?.setAttribute("aria-disabled", "true");
});
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

// What a press will do is told anew while its amount is typed: the server words it, by the same page.
let telling;
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-live]");
  if (!form || !form.dataset.live.split(" ").includes(event.target.name)) return;
  clearTimeout(telling?.timer);
  telling?.abort.abort();
  const abort = new AbortController();
  telling = { abort, timer: setTimeout(() => tell(form, abort.signal), 250) };
});
async function tell(form, signal) {
  const all = new FormData(form);
  const query = new URLSearchParams();
  for (const name of form.dataset.live.split(" ")) if (all.has(name)) query.set(name, all.get(name));
  try {
    const answer = await fetch(`${form.action}?${query}`, { headers: { Accept: "text/html" }, signal });
    const told = answer.ok && !answer.redirected && find("form[data-live]", new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (!told) return;
    find("input[name=said]", form).value = find("input[name=said]", told).value;
    for (const part of [".what", ".told", ".acts button span"]) {
      const now = find(part, form);
      const next = find(part, told);
      if (!now || !next || now.innerHTML === next.innerHTML) continue;
      now.hidden = next.hidden;
      now.replaceChildren(...document.importNode(next, true).childNodes);
    }
  } catch { /* the server shows the page once more when the button says another amount */ }
}

// Who types another amount means it.
on("input", ".another input", (_, field) => { find("[value=other]", field.closest(".pick")).checked = true; });
on("change", ".pick [value=other]", (_, choice) => find(".another input", choice.closest(".pick"))?.focus());

// A part that tells how something stands is read anew, and what was chosen beside it stays.
const fresh = find("[data-fresh]");
if (fresh) {
  setInterval(async () => {
    if (document.hidden || find("dialog[open]")) return;
    try {
      const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
      if (answer.status === 409) location.assign(location.pathname); // nothing is left to pay: the page says so
      const next = answer.ok && !answer.redirected && find("[data-fresh]", new DOMParser().parseFromString(await answer.text(), "text/html"));
      if (next && next.innerHTML !== fresh.innerHTML) fresh.replaceChildren(...document.importNode(next, true).childNodes);
    } catch { /* it stands as it was last known */ }
  }, fresh.dataset.fresh * 1000);
}

// A page that tells how far something has come is read again.
const again = find("[data-again]");
if (again) {
  setInterval(() => { if (!find("dialog[open]") && !document.hidden) location.reload(); }, again.dataset.again * 1000);
}

const toast = find(".toast");
if (toast) {
  let timer;
  const start = () => { timer = setTimeout(() => toast.remove(), 6000); };
  toast.addEventListener("pointerenter", () => clearTimeout(timer));
  toast.addEventListener("pointerleave", start);
  start();
}
on("click", "[data-dismiss]", () => toast.remove());

// What only a script can do is shown by it.
function upgrade(root) {
  for (const control of root.querySelectorAll("[data-copy], [data-dismiss]")) control.hidden = false;
}
upgrade(document);
find(".problems")?.focus();

// Lines of an invoice: added, removed and summed without a round trip of the page.
const lines = find("[data-lines]");
if (lines) {
  const form = lines.closest("form");
  const rename = () => lines.querySelectorAll("[data-line]").forEach((line, n) => {
    for (const part of line.querySelectorAll("[name], [for], [id], [value]")) {
      for (const attribute of ["name", "value"]) {
        const text = part.getAttribute(attribute);
        if (text?.startsWith(attribute === "name" ? "lines[" : "remove-lines[")) part.setAttribute(attribute, text.replace(/\[\d+\]/, `[${n}]`));
      }
      for (const attribute of ["for", "id"]) {
        if (part.hasAttribute(attribute)) part.setAttribute(attribute, part.getAttribute(attribute).replace(/^f-lines-\d+/, `f-lines-${n}`));
      }
    }
    const remove = find("[data-remove]", line);
    remove.setAttribute("aria-label", remove.getAttribute("aria-label").replace(/\d+/, n + 1));
  });
  let timer;
  let asked;
  const sum = async () => {
    asked?.abort();
    asked = new AbortController();
    try {
      const answer = await fetch(form.dataset.total, { method: "POST", body: new URLSearchParams(new FormData(form)), signal: asked.signal });
      if (!answer.ok || answer.redirected) return;
      const sums = await answer.json();
      find("[data-sum]").textContent = sums.total;
      lines.querySelectorAll("[data-line]").forEach((line, n) => {
        find("[data-amount]", line).textContent = sums.lines[`lines[${n}]`] ?? "";
      });
    } catch { /* the server sums when the form is saved */ }
  };
  const soon = () => { clearTimeout(timer); timer = setTimeout(sum, 250); };
  form.addEventListener("input", soon);
  on("click", "[data-add]", (event) => {
    event.preventDefault();
    const line = lines.lastElementChild.cloneNode(true);
    for (const field of line.querySelectorAll("input")) {
      field.value = field.name.endsWith(".quantity") ? "1" : "";
      field.checked = false;
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    for (const problem of line.querySelectorAll(".problem")) problem.remove();
    find("[data-amount]", line).textContent = "";
    lines.append(line);
    rename();
    find("input", line).focus();
  });
  on("click", "[data-remove]", (event, button) => {
    const line = button.closest("[data-line]");
    if (lines.childElementCount === 1) return; // the server empties the last one
    event.preventDefault();
    const next = line.nextElementSibling ?? line.previousElementSibling;
    line.remove();
    rename();
    find("input", next).focus();
    sum();
  });
}
