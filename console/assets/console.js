// What the console does beyond links and forms, which work without it: parts of a page are
// asked for again while it is looked at, tables are filtered, watches of PStates are shown.
"use strict";
(() => {
  const every = 2000;
  let live = true;
  const shown = new WeakMap(); // what the parts were last filled with

  // replaceLive puts the parts that are marked as live in the place of the old ones. What is
  // focused, open or typed stays as it is. It reports whether there was such a part: a page
  // without any is another one.
  function replaceLive(next) {
    const parts = [...document.querySelectorAll("[data-live]")];
    if (!parts.some((old) => next.getElementById(old.id))) return false;
    for (const old of parts) {
      const fresh = next.getElementById(old.id);
      if (!fresh || fresh.innerHTML === shown.get(old) || holdsInput(old)) continue;
      const focused = old.contains(document.activeElement) ? focusKey(document.activeElement) : null;
      const open = [...old.querySelectorAll("details[open][id]")].map((d) => d.id);
      shown.set(old, fresh.innerHTML);
      old.innerHTML = fresh.innerHTML;
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      if (focused) [...old.querySelectorAll("a, button, summary")].find((e) => focusKey(e) === focused)?.focus({ preventScroll: true });
    }
    filter();
    const said = document.getElementById("said"), saidNext = next.getElementById("said");
    if (said && saidNext && said.textContent !== saidNext.textContent) said.textContent = saidNext.textContent;
    return true;
  }
  const holdsInput = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
  const focusKey = (e) => e.getAttribute("href") || e.id || e.textContent;

  // A page that could not be asked for again says so, and since when it is not current: what it
  // shows looks like what holds.
  const lost = document.getElementById("lost"), button = document.getElementById("live");
  let current = new Date(), looking = false;
  function sayLost(why) {
    const text = why && `Not current since ${current.toTimeString().slice(0, 8)}: ${why}. Trying again.`;
    if (lost.textContent !== text) lost.textContent = text;
    showLive();
  }
  const showLive = () => button.setAttribute("aria-pressed", String(live && lost.textContent === ""));

  async function look() {
    if (looking) return;
    looking = true;
    let why = "";
    try {
      const answer = await fetch(location.href, { headers: { "Coppice-Live": "1" }, signal: AbortSignal.timeout(20000) });
      const text = await answer.text();
      if (!answer.ok) {
        why = `the console answers with an error (${answer.status})`;
      } else if (answer.redirected || !replaceLive(new DOMParser().parseFromString(text, "text/html"))) {
        why = "the console answers with another page, such as one to log in: load this one again";
      } else {
        current = new Date();
      }
    } catch {
      why = "the console does not answer";
    }
    looking = false;
    sayLost(live ? why : "");
  }
  async function refresh() {
    if (live && !document.hidden) await look();
    setTimeout(refresh, every);
  }
  if (document.querySelector("[data-live]")) {
    setTimeout(refresh, every);
    button.hidden = false;
  }
  button.addEventListener("click", () => {
    if (lost.textContent !== "") return look(); // it is on, and shown as off: who asks wants it current
    live = !live;
    showLive();
  });

  // Rows that do not hold what is typed are left out.
  const field = document.getElementById("filter");
  function filter() {
    if (!field) return;
    const wanted = field.value.trim().toLowerCase();
    let shown = 0, all = 0;
    for (const row of document.querySelectorAll("[data-filtered] > tr")) {
      all++;
      row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
      if (!row.hidden) shown++;
    }
    const told = document.getElementById("filter-told");
    if (told) told.textContent = wanted === "" ? "" : `${shown} of ${all}`;
  }
  field?.addEventListener("input", filter);
  filter();

  document.addEventListener("keydown", (e) => {
    if (e.key !== "/" || e.ctrlKey || e.metaKey || e.altKey || e.target.matches("input, textarea, select")) return;
    const first = field || document.querySelector("main input");
    if (first) {
      e.preventDefault();
      first.focus();
    }
  });

  // A watch shows what a path leads to, and each change of it.
  const watch = document.getElementById("watch");
  if (watch) {
    const list = document.getElementById("watched"), told = document.getElementById("watch-told"), start = document.getElementById("watch-start");
    let source = null;
    const short = (v) => { const line = JSON.stringify(v); return line.length <= 110 ? line : JSON.stringify(v, null, 2); };
    const stop = (text) => {
      source?.close();
      source = null;
      start.setAttribute("aria-pressed", "false");
      start.textContent = "Watch";
      told.textContent = text;
    };
    start.hidden = false;
    start.addEventListener("click", () => {
      if (source) return stop("The watch has ended.");
      let changes = 0;
      source = new EventSource(watch.dataset.url);
      start.setAttribute("aria-pressed", "true");
      start.textContent = "Stop watching";
      told.textContent = "Waiting for the first values…";
      source.addEventListener("change", (e) => {
        const change = JSON.parse(e.data), added = new Set(change.added.map((v) => JSON.stringify(v)));
        const rows = change.values.map((v) => {
          const line = document.createElement("pre");
          line.textContent = short(v);
          if (changes > 0 && added.has(JSON.stringify(v))) line.className = "changed";
          return line;
        });
        list.replaceChildren(...rows);
        told.textContent = changes++ === 0 ? `Live: ${change.values.length} values.` : `Live: ${change.values.length} values, ${changes - 1} changes seen.`;
      });
      source.addEventListener("problem", (e) => stop(JSON.parse(e.data).detail));
      source.onerror = () => {
        if (source?.readyState === EventSource.CLOSED) stop("The watch was refused: see the path.");
        else if (source) told.textContent = "Not current: the console does not answer. Trying again.";
      };
    });
  }

  // What cannot be taken back is asked for twice.
  document.addEventListener("submit", (e) => {
    const question = e.submitter?.dataset.ask;
    if (question && !confirm(question)) e.preventDefault();
  });
})();
