// The card page: mounts the card service's own fields and confirms the payment. Card numbers never come near our code.
"use strict";
(() => {
  const form = document.getElementById("card");
  const problem = document.getElementById("card-problem");
  const button = form.querySelector("button");
  const label = button.textContent;

  function say(text) {
    problem.textContent = text;
    problem.hidden = !text;
    if (text) problem.focus();
  }

  function sending(on) {
    button.textContent = on ? document.body.dataset.sending : label;
    button.setAttribute("aria-disabled", String(on));
  }

  if (!window.Stripe) { say(form.dataset.missing); return; }
  const service = window.Stripe(form.dataset.key, { locale: document.documentElement.lang.slice(0, 2) });
  const elements = service.elements({ clientSecret: form.dataset.secret });
  const fields = elements.create("payment");
  fields.on("ready", () => { button.disabled = false; });
  fields.on("loaderror", () => say(form.dataset.missing));
  fields.mount("#card-fields");

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled") === "true") return;
    say("");
    sending(true);
    try {
      // Leads away when it succeeds, or when the bank wants to ask; comes back only to say what is wrong.
      const { error } = await service.confirmPayment({ elements, confirmParams: { return_url: form.dataset.return } });
      if (error) say(error.message || form.dataset.missing);
    } catch {
      say(form.dataset.missing);
    }
    sending(false);
  });
})();
