// Holdfast: what JavaScript adds. Every page works without this file.
"use strict";
(() => {
  const all = (selector) => Array.from(document.querySelectorAll(selector));
  const ANSWER_MS = 20000;
  const SECRET = new Set(["code", "key", "send", "switch"]);
  let timers = [];
  let again = null;
  let at = location.pathname + location.search;

  // Keep what was typed in this tab until the booking went through.
  const store = {
    get(name) { try { return JSON.parse(sessionStorage.getItem(name)); } catch { return null; } },
    set(name, value) { try { sessionStorage.setItem(name, JSON.stringify(value)); } catch { /* private mode: nothing is kept */ } },
    drop(name) { try { sessionStorage.removeItem(name); } catch { /* see above */ } },
  };

  function keep(form, sent = false) {
    const kept = {};
    for (const field of form.elements) {
      if (!field.name || field.type === "hidden" || field.type === "submit" || SECRET.has(field.name)) continue;
      kept[field.name] = field.type === "checkbox" ? field.checked : field.value;
    }
    const before = store.get(form.dataset.keep);
    const key = form.elements.key?.value;
    store.set(form.dataset.keep, { kept, key, sent: sent || Boolean(before?.sent && before.key === key) });
  }

  function restore(form) {
    const found = store.get(form.dataset.keep);
    if (!found) return;
    for (const field of form.elements) {
      const value = found.kept[field.name];
      if (value === undefined) continue;
      if (field.type === "checkbox") field.checked = field.checked || value;
      else if (!field.value || field.tagName === "SELECT") field.value = value;
    }
    // The same key again, so that a booking whose answer got lost is found and not made twice.
    if (found.key && found.sent && form.elements.key) form.elements.key.value = found.key;
  }

  function toast(name) {
    for (const box of all("[data-toast]")) box.hidden = box.dataset.toast !== name;
  }

  // Send a form in the background, so that a lost connection does not lose the page.
  async function send(form, button) {
    const data = new FormData(form, button);
    const body = form.enctype === "multipart/form-data" ? data : new URLSearchParams(data);
    if (form.dataset.keep) keep(form, true);
    busy(form, button, true);
    try {
      const answer = await fetch(button?.getAttribute("formaction") || form.getAttribute("action"), {
        method: "POST", body, credentials: "same-origin", headers: { Accept: "text/html" }, signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = await answer.text();
      again = null;
      toast("");
      if (answer.redirected && form.dataset.keep) store.drop(form.dataset.keep);
      show(text, answer.redirected ? answer.url : "");
    } catch {
      again = () => send(form, button);
      busy(form, button, false);
      toast(navigator.onLine ? "lost" : "offline");
    }
  }

  function busy(form, button, on) {
    const shown = button && !button.classList.contains("hidden-visually") ? button : form.querySelector(".btn");
    if (!shown) return;
    if (on) {
      shown.dataset.label = shown.innerHTML;
      shown.textContent = document.body.dataset.sending;
      shown.setAttribute("aria-disabled", "true");
      form.dataset.busy = "1";
    } else {
      if (shown.dataset.label) shown.innerHTML = shown.dataset.label;
      shown.removeAttribute("aria-disabled");
      delete form.dataset.busy;
    }
  }

  function show(text, url) {
    const page = new DOMParser().parseFromString(text, "text/html");
    if (!page.querySelector("#main") || page.querySelector("[data-load]")) { location.assign(url || location.href); return; }
    if (url) history.pushState(null, "", url);
    at = location.pathname + location.search;
    document.title = page.title;
    document.documentElement.lang = page.documentElement.lang;
    document.body.replaceWith(page.body);
    scrollTo(0, 0);
    start(false);
    const target = document.querySelector("[data-focus]") || (url && document.getElementById("main"));
    if (target) target.focus();
  }

  // The payment page looks by itself, slower and slower, and says when it cannot.
  function watch(box) {
    let wait = 2000;
    let timer;
    const get = (url, Accept) => fetch(url, { headers: { Accept }, signal: AbortSignal.timeout(ANSWER_MS), cache: "no-store" });
    const later = () => { timer = setTimeout(look, wait); timers.push(timer); };
    const look = async () => {
      try {
        const answer = await get(box.dataset.pay, "application/json");
        if (answer.ok) {
          const state = await answer.json();
          if (state.shows !== box.dataset.shows) {
            const page = await (await get(location.href, "text/html")).text();
            const chosen = all(".ways :checked").map((one) => one.id);
            show(page, "");
            for (const one of all(".ways :enabled")) if (chosen.includes(one.id)) one.checked = true;
            return;
          }
          if (!state.moves) return;
        }
        if (answer.status === 401) return location.reload();
        if (navigator.onLine) toast("");
      } catch {
        if (!navigator.onLine) toast("offline");
      }
      wait = Math.min(wait * 1.15, 8000);
      later();
    };
    later();
    document.onvisibilitychange = () => {
      if (document.visibilityState === "visible" && box.isConnected) { clearTimeout(timer); look(); }
    };
  }

  const minutes = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

  function countDown(clock) {
    if (!Number(clock.dataset.left)) return;
    const until = Date.now() + Number(clock.dataset.left) * 1000;
    const tick = () => {
      const left = Math.max(0, Math.floor((until - Date.now()) / 1000));
      clock.textContent = minutes(left);
      timers.push(left ? setTimeout(tick, 1000) : setTimeout(() => location.reload(), 4000));
    };
    tick();
  }

  function countUp(box) {
    const begun = Date.now() - Number(box.dataset.since) * 1000;
    timers.push(setInterval(() => { box.textContent = minutes((Date.now() - begun) / 1000); }, 1000));
  }

  function start(fresh) {
    timers.forEach(clearTimeout);
    timers = [];
    document.body.classList.add("js");
    all("form[data-keep]").forEach((form) => {
      if (fresh) restore(form);
      keep(form);
      form.addEventListener("input", () => keep(form));
    });
    all("[data-pay]").forEach(watch);
    all("[data-left]").forEach(countDown);
    all("[data-since]").forEach(countUp);
    if (!navigator.onLine) toast("offline");
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.busy) { event.preventDefault(); return; }
    if (form.dataset.once === undefined) return;
    if (form.method === "post") {
      event.preventDefault();
      send(form, event.submitter);
    } else {
      form.dataset.busy = "1";
      setTimeout(() => delete form.dataset.busy, 3000);
    }
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.again !== undefined && again) again();
    if (button.dataset.print !== undefined) print();
    if (button.dataset.copy !== undefined && navigator.clipboard) {
      await navigator.clipboard.writeText(button.dataset.copy);
      const label = button.textContent;
      button.textContent = document.body.dataset.copied;
      setTimeout(() => { button.textContent = label; }, 1500);
    }
  });
  // Browsers also fire this for links to a place on the same page.
  addEventListener("popstate", () => { if (location.pathname + location.search !== at) location.reload(); });
  addEventListener("offline", () => toast("offline"));
  addEventListener("online", () => toast(again ? "lost" : ""));
  addEventListener("pageshow", (event) => { if (event.persisted) all("form[data-busy]").forEach((form) => busy(form, null, false)); });
  start(true);
})();
