// "This does not work", also without a connection: kept on the device, sent by itself later, counted once by its key.
"use strict";
(() => {
  const LATER = "feedback:later";
  const KEPT_MOST = 20;
  const ANSWER_MS = 20000;
  let sending = false;

  const kept = () => { try { return JSON.parse(localStorage.getItem(LATER)) || []; } catch { return []; } };
  function keep(list) {
    try { localStorage.setItem(LATER, JSON.stringify(list.slice(-KEPT_MOST))); return true; } catch { return false; }
  }
  function toast(name) {
    for (const box of document.querySelectorAll("[data-toast]")) box.hidden = box.dataset.toast !== name;
  }
  const post = (body, Accept) => fetch("/feedback", {
    method: "POST", body: new URLSearchParams(body), credentials: "same-origin", headers: { Accept }, signal: AbortSignal.timeout(ANSWER_MS),
  });

  // Sent here with its answer; what is refused goes to the server once more as a form, which shows why.
  async function submit(form, button) {
    const body = new URLSearchParams(new FormData(form));
    button?.setAttribute("aria-disabled", "true");
    try {
      const answer = await post(body, "application/json");
      if (answer.ok) { location.assign((await answer.json()).url); return; }
      if (answer.status < 500) { form.submit(); return; }
    } catch { /* no connection: below */ }
    button?.removeAttribute("aria-disabled");
    body.set("offline", "1");
    body.set("happened", new Date().toISOString());
    if (!keep([...kept(), body.toString()])) { toast(navigator.onLine ? "lost" : "offline"); return; }
    form.reset();
    const box = form.closest("details");
    if (box) box.open = false;
    toast("later");
  }

  async function send() {
    if (sending || !navigator.onLine) return;
    sending = true;
    try {
      for (const body of kept()) {
        const answer = await post(body, "application/json");
        if (answer.status === 429 || answer.status >= 500) break;
        keep(kept().filter((one) => one !== body));
      }
    } catch { /* still no connection: the next page, or the next moment online, tries again */ }
    sending = false;
  }

  document.addEventListener("submit", (event) => {
    if (event.target.dataset.later === undefined) return;
    event.preventDefault();
    if (!event.submitter?.hasAttribute("aria-disabled")) submit(event.target, event.submitter);
  });
  addEventListener("online", send);
  send();
})();
