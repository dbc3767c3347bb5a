// Keeps the list fresh, shows times in the reader's zone, and fits the frame to its mail.
"use strict";

const localTimes = (root) => {
  for (const time of root.querySelectorAll("time")) {
    const at = new Date(time.dateTime);
    time.textContent = at.toLocaleString(undefined, { month: "short", day: "numeric", hour: "2-digit", minute: "2-digit" });
    time.title = at.toString();
  }
};

const frame = document.getElementById("html");
const fit = () => {
  const page = frame.contentDocument?.documentElement;
  if (!page) return;
  const bar = page.scrollWidth > page.clientWidth ? 20 : 0; // room for a scroll bar below
  frame.style.height = `${page.scrollHeight + bar}px`;
};
if (frame) {
  frame.addEventListener("load", fit);
  window.addEventListener("resize", fit);
  if (frame.contentDocument?.readyState === "complete") fit();
}

const refresh = async () => {
  const answer = await fetch(location.href);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const list = document.getElementById("list");
  const revision = fresh.getElementById("list")?.dataset.revision;
  if (!revision || revision === list.dataset.revision) return;
  list.dataset.revision = revision;
  for (const id of ["mails", "count"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
  const first = !document.querySelector("article") && fresh.querySelector("article");
  if (first) location.reload();
  localTimes(document.getElementById("mails"));
};

const look = () => {
  if (document.hidden || document.activeElement?.matches("#mails a")) return; // nobody looks, or somebody is about to press
  refresh().catch(() => {}); // the sandbox is being restarted; the next round finds it
};
setInterval(look, 3000);
document.addEventListener("visibilitychange", look);

const empty = document.getElementById("empty");
empty.hidden = false;
empty.addEventListener("click", async () => {
  if (!confirm("Delete every mail in this inbox?")) return;
  await fetch("/inbox", { method: "DELETE" });
  location.assign("/inbox");
});

localTimes(document);
