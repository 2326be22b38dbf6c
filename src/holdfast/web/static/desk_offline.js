// The offline page of a desk: takes bookings down, numbers them, keeps them on the device, and uploads them by itself.
"use strict";
(() => {
  const HERE = "/console/desk/offline";
  const EVERY_MS = 15000;
  const INSTALL_MS = 10000;
  const SOME = 50;
  const $ = (id) => document.getElementById(id);
  const { words, desks } = JSON.parse(document.body.dataset.page);
  let language = localStorage.getItem("desk-language") || document.documentElement.lang.slice(0, 2);
  let pack = null;
  let lines = [];
  let left = 0;
  let online = navigator.onLine;
  let busy = false;

  const fill = (text, values = {}) => text.replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  const say = (name, values) => fill(words[language].say[name] ?? name, values);
  const both = (texts) => texts?.[language] ?? texts?.en ?? "";
  const money = (minor, currency) => new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en-GB", { style: "currency", currency }).format(minor / 100);
  const clockTime = (iso) => new Date(iso).toLocaleString(language === "zh" ? "zh-CN" : "en-GB", { month: "numeric", day: "numeric", hour: "2-digit", minute: "2-digit" });
  const today = () => new Date(Date.now() + 8 * 3600e3).toISOString().slice(0, 10);
  const make = (tag, values = {}) => Object.assign(document.createElement(tag), values);
  const waiting = () => lines.filter((one) => !one.sent);
  const slotOf = (id) => pack?.slots.find((one) => one.id === id);

  // What this device took and the loaded numbers do not know of yet.
  function leftOf(slot) {
    const mine = lines.filter((one) => one.written.slot === slot.id && (!one.sent || one.sent > pack.made_at));
    return slot.left - mine.reduce((sum, one) => sum + one.places, 0);
  }

  function notice(text, tone = "warn") {
    $("notice").textContent = text;
    $("notice").className = `note ${tone}`;
    $("notice").hidden = !text;
  }

  async function post(path, body) {
    const answer = await fetch(HERE + path, {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" }, credentials: "same-origin",
      cache: "no-store", signal: AbortSignal.timeout(30000),
    });
    if (answer.status >= 500) throw new Error(String(answer.status));
    const read = await answer.json();
    online = true;
    if (!answer.ok) throw Object.assign(new Error(read.code), { status: answer.status, said: read });
    return read;
  }

  function explain(error) {
    if (!error.status) { online = false; return say("no-network"); }
    if (error.status === 401) return say("sign-in");
    return error.said.code === "pad-revoked" ? say("called-back") : say("refused", { why: both(error.said.title) });
  }

  async function load() {
    const wish = { desk: $("desk").value, day: $("day").value };
    const mine = pack && pack.desk.code === wish.desk && left >= 20 ? { pad: pack.pad.id, token: pack.pad.token } : {};
    try {
      await upload();
      const found = await post("/packs", { ...wish, ...mine });
      if (found.numbers.length) await DeskStore.dropNumbers();
      await DeskStore.learn(found, found.pad, found.numbers);
      await refresh();
      $("load-box").open = false;
      navigator.storage?.persist?.();
      if (await installed()) notice(say("loaded"), "ok");
      else notice(say("loaded-only"));
    } catch (error) {
      notice(explain(error));
      if (error.status === 401) $("notice").append(" ", make("a", { href: `/console/session?next=${HERE}`, textContent: say("sign-in") }));
    }
    paint();
  }

  // Whether the page itself is kept by the browser, so that it opens without a network.
  function installed() {
    const never = new Promise((resolve) => { setTimeout(resolve, INSTALL_MS); });
    return Promise.race([navigator.serviceWorker?.ready, never]).then(Boolean);
  }

  // Whatever was not uploaded, in the order it was taken; each pad by its own token. An answer that got lost is asked for again.
  async function upload() {
    for (const id of new Set(waiting().map((one) => one.pad.id))) {
      const all = waiting().filter((one) => one.pad.id === id).sort((a, b) => (a.written.taken_at < b.written.taken_at ? -1 : 1));
      for (let begin = 0; begin < all.length; begin += SOME) {
        const some = all.slice(begin, begin + SOME);
        const { items } = await post("/lines", { pad: id, token: some[0].pad.token, lines: some.map((one) => ({ written: one.written, over: one.over })) });
        const sent = new Date().toISOString();
        await DeskStore.settle(some.map((one, at) => ({ number: one.number, sent, result: items[at].result, problem: items[at].problem, order: items[at].order })));
        await refresh();
      }
    }
  }

  async function tryUpload(told = false) {
    if (busy) return;
    busy = true;
    try {
      if (waiting().length) await upload();
      else if (told || !online) { await fetch("/healthz", { cache: "no-store", signal: AbortSignal.timeout(4000) }); online = true; }
      if (told) notice("");
    } catch (error) {
      if (told || error.status) notice(explain(error));
      else online = false;
    }
    busy = false;
    paint();
  }

  // The form

  // What can be chosen, as [value, text]; replaced only when it differs, so that a list that somebody has open stays open.
  function offer(select, options) {
    const before = select.value;
    const now = [...select.options].map((one) => [one.value, one.textContent]);
    if (JSON.stringify(now) === JSON.stringify(options)) return;
    select.replaceChildren(...options.map(([value, textContent]) => make("option", { value, textContent })));
    if (options.some(([value]) => value === before)) select.value = before;
  }

  function paintSlots() {
    offer($("slot"), [["", say("choose")], ...(pack?.slots ?? []).map((one) => {
      const room = leftOf(one);
      const words = room > 0 ? say("left", { count: room }) : say("none-left");
      return [one.id, `${both(one.venue_name)} · ${one.date.slice(5)} ${one.begins}–${one.ends} · ${words}`];
    })]);
    paintTickets();
  }

  function paintTickets() {
    const slot = slotOf($("slot").value);
    offer($("ticket"), (slot?.prices ?? []).map((one) => [one.id, `${both(one.name)} ${money(one.amount_minor, one.currency)}`]));
    paintPeople();
  }

  const priceOf = (slot) => slot?.prices.find((one) => one.id === $("ticket").value);
  const count = () => (/^\d{1,2}$/.test($("people").value.trim()) ? Number($("people").value) : 0);

  function paintPeople() {
    const slot = slotOf($("slot").value);
    const price = priceOf(slot);
    const wanted = Math.min(5, Math.max(1, slot?.real_name ? count() : 1));
    const box = $("persons");
    while (box.children.length < wanted) box.append(person(box.children.length));
    [...box.children].forEach((one, at) => { one.hidden = at >= wanted; }); // what was typed comes back with the number
    for (const select of box.querySelectorAll("select")) {
      const kinds = slot?.documents.length ? slot.documents : Object.keys(words[language].documents);
      offer(select, kinds.map((kind) => [kind, words[language].documents[kind]]));
    }
    $("needed").hidden = !slot?.real_name;
    $("left").textContent = slot ? (leftOf(slot) > 0 ? say("left", { count: leftOf(slot) }) : say("none-left")) : "";
    const total = (price?.amount_minor ?? 0) * count();
    $("money").hidden = !total;
    $("free").hidden = !price || Boolean(total);
    $("cash-words").textContent = say("pay-cash", { amount: money(total, price?.currency ?? "CNY") });
    const places = price?.uses_place ? count() : 0;
    $("over-box").hidden = !slot || places <= leftOf(slot);
    if ($("over-box").hidden) $("over").checked = false;
  }

  function person(at) {
    const box = make("fieldset", { className: "person" });
    const field = (name, input, full) => {
      input.id = `p${at}-${name}`;
      input.dataset.part = name;
      const whole = make("div", { className: full ? "field full" : "field" });
      const label = make("label", { htmlFor: input.id, textContent: say(name) });
      label.dataset.say = name;
      const wrong = make("p", { className: "error", hidden: true });
      wrong.dataset.error = `persons[${at}].${name}`;
      whole.append(label, input, wrong);
      return whole;
    };
    const plain = (values) => Object.assign(make("input", { autocomplete: "off", spellcheck: false, maxLength: 200 }), values);
    const grid = make("div", { className: "grid2" });
    grid.append(field("name", plain({}), true), field("document-type", make("select")), field("document", plain({ autocapitalize: "characters" })));
    box.append(make("legend", { textContent: say("person", { count: at + 1 }) }), grid);
    return box;
  }

  const part = (box, name) => box.querySelector(`[data-part="${name}"]`).value.trim();
  const persons = () => [...$("persons").children].filter((box) => !box.hidden).map((box) => ({ name: part(box, "name"), document_type: part(box, "document-type"), document: part(box, "document") }));

  function show(found) {
    for (const box of document.querySelectorAll("[data-error]")) {
      const mine = found.filter((one) => one.field === box.dataset.error);
      box.textContent = mine.map((one) => one.text).join(" ");
      box.hidden = !mine.length;
      const input = box.parentElement.querySelector("input, select");
      if (mine.length) input.setAttribute("aria-invalid", "true");
      else input.removeAttribute("aria-invalid");
    }
    document.querySelector("#booking [aria-invalid]")?.focus();
  }

  // What is typed and not taken down yet: a reload loses nothing of it either.
  const fields = () => [...$("booking").querySelectorAll("input, select")];
  const keyOf = (field) => field.id || field.value;
  const ticked = (field) => field.type === "checkbox" || field.type === "radio";
  function keepDraft() {
    localStorage.setItem("desk-draft", JSON.stringify(fields().map((one) => [keyOf(one), ticked(one) ? one.checked : one.value])));
  }
  function restoreDraft() {
    const kept = new Map(JSON.parse(localStorage.getItem("desk-draft") ?? "[]"));
    for (let round = 0; round < 2; round++) { // the fields of people come with their number, tickets with the time
      for (const one of fields()) if (kept.has(keyOf(one))) one[ticked(one) ? "checked" : "value"] = kept.get(keyOf(one));
      paintTickets();
    }
  }

  function words_(one) {
    const suggest = one.suggest ? words[language].documents[one.suggest] : "";
    return fill(words[language].findings[one.code], { ...one, suggest });
  }

  // Everything that is wrong, all at once, by the codes that the server has, too.
  function check(slot, people, typed) {
    const found = [];
    const add = (field, some) => { for (const one of some) found.push({ field, text: words_(one) }); };
    if (!slot) found.push({ field: "slot", text: say("choose") });
    if (count() < 1 || count() > 50) found.push({ field: "people", text: say("people-wrong") });
    people.forEach((one, at) => {
      if (slot && !slot.real_name && !one.name && !one.document) return;
      add(`persons[${at}].name`, DeskChecks.checkName(one.name));
      add(`persons[${at}].document`, DeskChecks.checkDocument(one.document_type, one.document, today()));
    });
    add("phone", DeskChecks.checkPhone($("phone").value));
    if (typed && !DeskChecks.readSlip(typed)) found.push({ field: "paper", text: say("slip-wrong") });
    else if (typed && DeskChecks.readSeal($("seal").value, typed).length !== 6) found.push({ field: "paper", text: say("seal-wrong") });
    return found;
  }

  async function take() {
    const slot = slotOf($("slot").value);
    const price = priceOf(slot);
    const people = persons();
    const typed = $("paper").value.trim();
    const found = check(slot, people, typed);
    if (!found.length && !$("over-box").hidden && !$("over").checked) found.push({ field: "people", text: say("none-left") });
    show(found);
    if (found.length) return;
    const number = typed ? DeskChecks.readSlip(typed) : "";
    const total = price.amount_minor * count();
    const paid = total > 0 && document.querySelector("[name=payment]:checked").value === "cash";
    const written = {
      venue: slot.venue, date: slot.date, slot: slot.id, ticket: price.id, people: String(count()), phone: $("phone").value.trim(),
      payment: total ? (paid ? "cash" : "later") : "", amount: paid ? (total / 100).toFixed(2) : "", taken_at: new Date().toISOString(),
      note: $("note").value.trim(), persons: people.filter((one) => one.name || one.document),
    };
    const kept = await DeskStore.take({ number, seal: typed ? DeskChecks.readSeal($("seal").value, typed) : "", pad: pack.pad, places: price.uses_place ? count() : 0, over: $("over").checked, written });
    if (kept === undefined) return notice(say("no-numbers"));
    if (kept === null) return show([{ field: "paper", text: say("slip-used") }]);
    localStorage.removeItem("desk-draft");
    await refresh();
    $("taken-number").textContent = kept.written.slip;
    $("taken-seal").textContent = kept.seal;
    $("taken-visit").textContent = `${both(slot.venue_name)} · ${slot.date} ${slot.begins}–${slot.ends} · ${say("places", { count: kept.written.people })}`;
    $("taken").hidden = false;
    $("booking").hidden = true;
    notice("");
    $("next").focus();
    tryUpload();
    paint();
  }

  function another() {
    for (const id of ["phone", "note", "paper", "seal"]) $(id).value = "";
    $("people").value = "1";
    $("persons").replaceChildren();
    $("over").checked = false;
    $("taken").hidden = true;
    $("booking").hidden = false;
    document.querySelector("[name=payment][value=later]").checked = true;
    paintSlots();
    $("slot").focus();
  }

  // The list, the file, the state

  function fate(one) {
    if (!one.sent) return say("kept");
    if (one.result === "conflict") return say("conflict", { why: words[language].conflicts[one.problem] ?? one.problem });
    const number = one.order ? `${one.order.slice(0, 5)}-${one.order.slice(5)}` : "";
    return say(one.result === "new" ? "booked" : one.result, { number });
  }

  function paintList() {
    const newest = [...lines].sort((a, b) => (a.written.taken_at < b.written.taken_at ? 1 : -1));
    $("list").replaceChildren(...newest.map((one) => {
      const row = make("li");
      const slot = slotOf(one.written.slot);
      const visit = slot ? `${both(slot.venue_name)} ${slot.date.slice(5)} ${slot.begins}` : one.written.date;
      const about = [visit, say("places", { count: one.written.people }), one.written.persons[0]?.name].filter(Boolean).join(" · ");
      const parts = [["mono", DeskChecks.showSlip(one.number)], ["muted", clockTime(one.written.taken_at)], ["fate", fate(one)], ["muted", about]];
      row.append(...parts.map(([className, textContent]) => make("span", { className, textContent })));
      row.dataset.result = one.sent ? one.result : "kept";
      return row;
    }));
    $("list-count").textContent = lines.length;
    $("list-none").hidden = lines.length > 0;
    $("list-box").hidden = !pack && !lines.length;
    $("clear").hidden = !lines.some((one) => one.sent);
    $("send").hidden = !waiting().length;
  }

  const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

  // Everything that is on the device, in the columns of the import's template.
  function file() {
    const rows = lines.map(({ written: w }) => {
      const all = Array.from({ length: 5 }, (_, at) => w.persons[at] ?? { name: "", document_type: "", document: "" });
      const [first, ...more] = all.map((one) => [one.name, one.document_type, one.document]);
      return [w.slip, w.seal, w.venue, w.date, w.slot, w.ticket, w.people, ...first, w.phone, w.payment, w.amount, w.taken_at, w.note, ...more.flat()];
    });
    const text = [words[language].headers, ...rows].map((cells) => cells.map((one) => cell(String(one ?? ""))).join(",")).join("\r\n");
    return `\ufeff${text}\r\n`;
  }

  function save() {
    const link = make("a", { href: URL.createObjectURL(new Blob([file()], { type: "text/csv;charset=utf-8" })), download: `slips-${pack?.desk.code ?? "desk"}-${today()}.csv` });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  function paint() {
    const count = waiting().length;
    const about = pack ? say("of", { desk: pack.desk.code, time: clockTime(pack.made_at) }) : "";
    $("state").textContent = [say(online ? "online" : "offline"), count ? say("waiting", { count }) : lines.length ? say("all-sent") : "", about].filter(Boolean).join(" · ");
    $("state").className = `state ${online ? (count ? "warn" : "ok") : "off"}`;
    $("state").dataset.online = String(online);
    $("state").dataset.waiting = String(count);
    $("practice").hidden = !pack?.is_drill;
    $("booking").hidden = !pack || !$("taken").hidden;
    $("load-box").open = $("load-box").open || !pack;
    paintList();
    if (pack && !$("booking").hidden) paintSlots();
  }

  function translate() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
    $("tongue").textContent = language === "zh" ? "English" : "中文";
    [...$("persons").children].forEach((box, at) => { box.querySelector("legend").textContent = say("person", { count: at + 1 }); });
    show([]);
    paint();
  }

  async function refresh() {
    [pack, lines, left] = await Promise.all([DeskStore.pack(), DeskStore.lines(), DeskStore.numbersLeft()]);
  }

  $("desk").replaceChildren(...desks.map(([code, name]) => make("option", { value: code, textContent: `${code} ${name}` })));
  $("load").onsubmit = (event) => { event.preventDefault(); load(); };
  $("booking").onsubmit = (event) => { event.preventDefault(); take(); };
  $("booking").addEventListener("input", keepDraft);
  $("slot").onchange = paintTickets;
  $("ticket").onchange = paintPeople;
  $("people").oninput = paintPeople;
  $("next").onclick = another;
  $("print").onclick = () => print();
  $("send").onclick = () => tryUpload(true);
  $("export").onclick = save;
  $("clear").onclick = async () => { await DeskStore.forget(lines.filter((one) => one.sent).map((one) => one.number)); await refresh(); paint(); };
  $("tongue").onclick = () => { language = language === "zh" ? "en" : "zh"; localStorage.setItem("desk-language", language); translate(); };
  addEventListener("online", () => tryUpload());
  addEventListener("offline", () => { online = false; paint(); });
  setInterval(() => tryUpload(), EVERY_MS);
  navigator.serviceWorker?.register(`${HERE}/sw.js`, { scope: HERE }).catch(() => {});
  (async () => {
    await refresh();
    const over = lines.filter((one) => one.sent && one.written.date < today());
    if (over.length) { // uploaded, and the visit is over: nobody's documents stay on the device for longer
      await DeskStore.forget(over.map((one) => one.number));
      await refresh();
    }
    if (pack) $("desk").value = pack.desk.code;
    translate();
    restoreDraft();
    tryUpload();
  })();
})();
