// The gate's page: scans, asks or decides alone, says it with colour, sound and touch, and uploads by itself.
"use strict";
(() => {
  const API = "/api/v1/gate";
  const ASK_MS = 2500;
  const SYNC_MS = 10000;
  const KEYS_MS = 3600e3;
  const REST_MS = 6000;
  const SOME = 100;
  const $ = (id) => document.getElementById(id);
  const words = JSON.parse(document.body.dataset.words);
  const known = { venue: "", early: 0, late: 0, orders: new Map(), passed: new Map() };
  let language = localStorage.getItem("gate-language") || document.documentElement.lang.slice(0, 2);
  let device = null; // {token, shift, list: {...}, skew}
  let keys = {};
  let keysAt = 0;
  let online = navigator.onLine;
  let failedAt = 0;
  let syncing = null;
  let busy = false;
  let inside = 0;
  let waiting = [];
  let resting = 0;

  const say = (name, values = {}) => (words[language][name] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key] ?? "");
  const now = () => Date.now() / 1000 + (device?.skew ?? 0);
  const clockTime = (seconds) => new Date(seconds * 1000).toLocaleTimeString(language === "zh" ? "zh-CN" : "en-GB", { hour: "2-digit", minute: "2-digit", timeZone: device?.list?.time_zone });
  const when = (seconds) => {
    const at = { timeZone: device?.list?.time_zone, day: "numeric", month: "numeric" };
    const day = (s) => new Date(s * 1000).toLocaleDateString("en-CA", at);
    const date = new Date(seconds * 1000).toLocaleDateString(language === "zh" ? "zh-CN" : "en-GB", { ...at, month: "short" });
    return day(seconds) === day(now()) ? clockTime(seconds) : `${date} ${clockTime(seconds)}`;
  };

  class Refused extends Error {
    constructor(status, problem) { super(problem.title); this.status = status; this.problem = problem; }
  }

  // An answer, or Refused when the server said no; any other error means that there is no network.
  async function ask(method, path, body, patience = 15000) {
    const headers = { "Content-Type": "application/json", "Accept-Language": language };
    if (device?.token) headers.Authorization = `Bearer ${device.token}`;
    let answer;
    let read;
    try {
      answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), signal: AbortSignal.timeout(patience), cache: "no-store" });
      read = answer.status === 204 ? null : await answer.json();
      if (answer.status >= 500) throw new Error(String(answer.status));
    } catch (error) {
      reached(false);
      throw error;
    }
    reached(true);
    if (!answer.ok) throw new Refused(answer.status, read);
    return read;
  }

  function reached(yes) {
    failedAt = yes ? 0 : Date.now();
    if (online === yes) return;
    online = yes;
    paint();
  }

  // Sound and touch: told apart without looking.
  let audio = null;
  function signal(good) {
    navigator.vibrate?.(good ? 80 : [200, 90, 200]);
    try {
      audio ??= new AudioContext();
      audio.resume();
      const begin = audio.currentTime;
      const tones = good ? [[660, 0], [990, 0.12]] : [[160, 0], [130, 0.22]];
      for (const [pitch, after] of tones) {
        const tone = audio.createOscillator();
        const loud = audio.createGain();
        tone.type = good ? "sine" : "square";
        tone.frequency.value = pitch;
        loud.gain.setValueAtTime(0.25, begin + after);
        loud.gain.exponentialRampToValueAtTime(0.001, begin + after + 0.2);
        tone.connect(loud).connect(audio.destination);
        tone.start(begin + after);
        tone.stop(begin + after + 0.22);
      }
    } catch { /* no sound here: colour and touch say it, too */ }
  }

  const TONES = { valid: "ok", used: "bad", "too-early": "warn", "too-late": "warn", wait: "warn" };
  const SIGNS = { ok: "✓", bad: "✕", warn: "!" };

  function show(found, asked) {
    const tone = TONES[found.verdict] ?? "bad";
    const box = $("verdict");
    box.className = `verdict ${tone}`;
    box.dataset.verdict = found.verdict;
    $("sign").textContent = SIGNS[tone];
    $("headline").textContent = say(`say:${found.verdict}`);
    const lines = [];
    if (found.verdict === "valid") lines.push(say(found.people > 1 ? "people" : "person", { count: found.people, holder: found.holder || "" }));
    else if (found.holder) lines.push(found.holder);
    if (found.used) lines.push(say("used-at", { time: when(found.used[0]), gate: found.used[1] || device.list.device_name }));
    if (["too-early", "too-late"].includes(found.verdict)) lines.push(say("slot", { from: when(found.starts), to: clockTime(found.ends) }));
    lines.push(say(`do:${found.verdict}`));
    if (found.alone) lines.push(say("alone"));
    $("lines").replaceChildren(...lines.filter(Boolean).map((line) => Object.assign(document.createElement("p"), { textContent: line })));
    $("insist").hidden = !["too-early", "too-late", "wait"].includes(found.verdict);
    $("insist").onclick = () => admit([{ ...asked, insisted: true }]);
    $("choices").replaceChildren();
    signal(tone === "ok");
    log(found, asked);
    clearTimeout(resting);
    resting = setTimeout(rest, tone === "ok" ? REST_MS : REST_MS * 3);
  }

  function rest() {
    $("verdict").className = "verdict";
    delete $("verdict").dataset.verdict;
    $("sign").textContent = "";
    $("headline").textContent = say("ready");
    $("lines").replaceChildren(Object.assign(document.createElement("p"), { textContent: say("ready-how") }));
    $("choices").replaceChildren();
    $("insist").hidden = true;
  }

  function log(found, asked) {
    const line = document.createElement("li");
    line.className = TONES[found.verdict] ?? "bad";
    line.textContent = `${clockTime(now())} · ${say(`say:${found.verdict}`)} · ${[found.holder, asked.number].filter(Boolean).join(" · ")}`;
    $("log").prepend(line);
    while ($("log").children.length > 6) $("log").lastChild.remove();
  }

  // A text that was scanned or typed.
  async function take(typed) {
    const text = typed.trim();
    if (!text || busy || !device?.list) return;
    busy = true;
    try {
      if (text.includes(".")) {
        let asked;
        try {
          if (!Object.keys(keys).length) await loadKeys();
          asked = { ...(await GateCore.read(text, keys)), code: text };
        } catch { return show({ verdict: "unknown" }, { number: "" }); }
        return await admit(await together(asked));
      }
      const number = GateCore.number(text);
      if (!number) return show({ verdict: "unknown" }, { number: text.slice(0, 16) });
      if (!known.orders.has(number) && online) await sync().catch(() => {});
      const order = known.orders.get(number);
      if (!order || order.tickets.length < 2) return await admit([{ number, ticket: order?.tickets[0]?.seq ?? 1 }]);
      choose(order);
    } finally { busy = false; }
  }

  // Those who must enter with this one: all of a card's party that have not been let in.
  async function together(asked) {
    const order = known.orders.get(asked.number);
    const group = order?.tickets.find((one) => one.seq === asked.ticket)?.group;
    if (!group) return [asked];
    const others = order.tickets.filter((one) => one.group === group && one.seq !== asked.ticket);
    return [asked, ...others.map((one) => ({ number: order.number, ticket: one.seq })).filter((one) => GateCore.judge(one, known, now(), true).verdict === "valid")];
  }

  function choose(order) {
    rest();
    clearTimeout(resting);
    $("headline").textContent = say("who");
    $("lines").replaceChildren();
    const left = order.tickets.filter((one) => GateCore.judge({ number: order.number, ticket: one.seq }, known, now(), true).verdict === "valid");
    const button = (label, tickets, off = false) => {
      const made = Object.assign(document.createElement("button"), { type: "button", className: "btn quiet", textContent: label, disabled: off });
      made.onclick = () => admit(tickets.map((one) => ({ number: order.number, ticket: one.seq })));
      return made;
    };
    const each = order.tickets.some((one) => one.group) ? [] : order.tickets.map((one) =>
      button(`${one.holder || say("party", { count: one.admits })}${left.includes(one) ? "" : ` · ${say("say:used")}`}`, [one], !left.includes(one)));
    const all = left.length > 1 || !each.length ? [button(say("everybody", { count: left.reduce((sum, one) => sum + one.admits, 0) }), left, !left.length)] : [];
    $("choices").replaceChildren(...all, ...each);
    ($("choices").querySelector(":enabled") ?? $("typed")).focus();
  }

  // Lets in one after another; the last refusal is what is shown, else the first who came in with the sum.
  async function admit(asked) {
    const outer = busy;
    busy = true;
    try {
      const found = [];
      for (const one of asked) found.push(await admitOne(one));
      const bad = found.findIndex((one) => one.verdict !== "valid");
      if (bad >= 0) return show(found[bad], asked[bad]);
      show({ ...found[0], people: found.reduce((sum, one) => sum + one.people, 0), holder: found.map((one) => one.holder).filter(Boolean).join(", ") }, asked[0]);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      refused(error);
    } finally { busy = outer; paint(); }
  }

  async function admitOne(asked) {
    const alone = GateCore.judge(asked, known, now(), asked.insisted);
    const counter = await GateStore.next();
    const scan = { counter, ...(asked.code ? { code: asked.code } : { number: asked.number, ticket: asked.ticket }), insisted: Boolean(asked.insisted), shift: device.shift?.id };
    if (online || Date.now() - failedAt > SYNC_MS) {
      try {
        const { answers: [told], inside: count } = await ask("POST", `${API}/admissions`, { scans: [scan] }, ASK_MS);
        inside = count;
        if (told.verdict === "valid") await remember(alone.key, now(), "");
        else if (!told.recorded) await GateStore.giveBack(counter);
        const seconds = (text) => text && Date.parse(text) / 1000;
        return { ...alone, verdict: told.verdict, holder: told.holder, people: told.people || 1, starts: seconds(told.starts_at), ends: seconds(told.ends_at),
          used: told.used_at ? [seconds(told.used_at), told.used_where] : null };
      } catch (error) {
        if (error instanceof Refused) { await GateStore.giveBack(counter); throw error; }
        // No answer: this device decides alone. The number stays taken, the server may have heard it.
        if (alone.verdict !== "valid") return { ...alone, people: alone.admits, alone: true };
      }
    } else if (alone.verdict !== "valid") {
      await GateStore.giveBack(counter);
      return { ...alone, people: alone.admits, alone: true };
    }
    await keep({ ...scan, offline: true, people: alone.admits, at: new Date(now() * 1000).toISOString() });
    await remember(alone.key, now(), "");
    inside += alone.admits;
    return { ...alone, people: alone.admits, alone: true };
  }

  async function keep(scan) {
    await GateStore.queue(scan);
    waiting.push(scan);
  }

  async function remember(key, at, where) {
    known.passed.set(key, [Math.floor(at), where]);
    await GateStore.pass(key, Math.floor(at), where);
  }

  async function leave(people) {
    await keep({ counter: await GateStore.next(), kind: "exit", people, at: new Date(now() * 1000).toISOString(), shift: device.shift?.id });
    inside = Math.max(0, inside - people);
    navigator.vibrate?.(40);
    paint();
    upload().catch(() => {});
  }

  // What waits goes up, the oldest first; what is recorded goes from the device.
  async function upload() {
    while (waiting.length) {
      const some = waiting.slice(0, SOME);
      const { answers, inside: count } = await ask("POST", `${API}/admissions`, { scans: some, pending: waiting.length - some.length });
      inside = count;
      const done = answers.filter((one) => one.recorded || one.verdict === "unknown" || one.verdict === "counter-reused").map((one) => one.counter);
      const wrong = answers.filter((one) => one.verdict !== "valid");
      await GateStore.unqueue(done);
      waiting = waiting.filter((one) => !done.includes(one.counter));
      if (wrong.length) notice(say("conflicts", { count: wrong.length }));
      if (!done.length) return;
    }
  }

  async function loadKeys() {
    const found = await ask("GET", "/api/v1/ticket-keys");
    keys = Object.fromEntries(found.keys.map((key) => [key.id, key.public_key]));
    keysAt = Date.now();
    await GateStore.set("keys", keys);
  }

  function sync() {
    syncing ??= synced().finally(() => { syncing = null; paint(); });
    return syncing;
  }

  async function synced() {
    if (!device?.token) return;
    try {
      await upload();
      if (!device.shift) return;
      const since = device.list?.since ? `since=${encodeURIComponent(device.list.since)}&` : "";
      const found = await ask("GET", `${API}/list?${since}pending=${waiting.length}`);
      const { orders, ...list } = found;
      device.skew = Date.parse(list.now) / 1000 - Date.now() / 1000;
      device.list = { ...list, at: Date.now(), skew: device.skew };
      device.shift = list.shift;
      inside = list.inside;
      await GateStore.learn({ whole: list.whole, orders }, device.list);
      if (list.whole) known.orders.clear();
      for (const order of orders) known.orders.set(order.number, order);
      settle();
      await tidy(orders);
      if (Date.now() - keysAt > KEYS_MS) await loadKeys();
    } catch (error) {
      if (error instanceof Refused) return refused(error);
      throw error;
    }
  }

  // What the server says of a ticket goes before what this device remembers of it, once all of that is uploaded: an undone admission admits.
  async function tidy(orders) {
    if (waiting.length) return;
    const gone = [];
    for (const order of orders) for (const one of order.tickets) {
      const key = `${order.number}/${one.seq}/${order.version}`;
      if (!one.used && known.passed.has(key) && known.passed.get(key)[0] < now() - 5) gone.push(key);
    }
    for (const key of gone) known.passed.delete(key);
    if (gone.length) await GateStore.unpass(gone);
  }

  function settle() {
    known.venue = device.list.venue_id;
    known.early = device.list.rules.early_s;
    known.late = device.list.rules.late_s;
  }

  async function refused(error) {
    if (error.problem?.code === "gate-sign-in-needed") {
      await GateStore.forget();
      device = null;
      known.orders.clear();
    } else if (error.problem?.code === "shift-needed" && device) {
      device.shift = null;
      await GateStore.set("shift", undefined);
    }
    notice(error.problem?.title ?? "");
    paint();
  }

  let noticed = 0;
  function notice(text) {
    $("notice").textContent = text;
    $("notice").hidden = !text;
    clearTimeout(noticed);
    if (text) noticed = setTimeout(() => notice(""), 12000);
  }

  function age() {
    if (!device?.list) return "";
    const seconds = Math.max(0, Math.round((Date.now() - device.list.at) / 1000));
    return seconds < 90 ? say("age-s", { count: seconds }) : seconds < 5400 ? say("age-min", { count: Math.round(seconds / 60) }) : say("age-h", { count: Math.round(seconds / 3600) });
  }

  function paint() {
    const screen = !device?.token ? "enrol" : !device.shift || !device.list ? "shift" : "gate";
    for (const one of ["enrol", "shift", "gate"]) $(`screen-${one}`).hidden = one !== screen;
    const old = device?.list ? Date.now() - device.list.at : 0;
    $("state").className = `state ${online ? (old > 120e3 ? "warn" : "ok") : "off"}`;
    $("state").dataset.online = String(online);
    $("state").textContent = [say(online ? "online" : "offline"), age(), waiting.length ? say("waiting", { count: waiting.length }) : ""].filter(Boolean).join(" · ");
    $("old").hidden = !(screen === "gate" && old > 1800e3);
    $("device").textContent = device?.list ? `${device.list.device_name} · ${device.list.venue_name[language]}` : say("gate");
    $("on-duty").textContent = device?.shift ? device.shift.name : "";
    $("sign-out").hidden = !device?.shift;
    $("inside").textContent = String(inside);
    $("leaving").hidden = !device?.list?.rules.exits_counted;
    $("pending").dataset.count = String(waiting.length);
    $("pending").textContent = waiting.length ? say("kept-here", { count: waiting.length }) : "";
  }

  function translate() {
    document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
    for (const one of document.querySelectorAll("[data-say]")) one.textContent = say(one.dataset.say);
    $("tongue").textContent = language === "zh" ? "English" : "中文";
    document.title = `${say("gate")} · Holdfast`;
    rest();
    paint();
  }

  async function enrol(code) {
    try {
      if (device?.token) await upload(); // another gate from now on: first what this one has recorded
      const made = await ask("POST", `${API}/devices`, { code, agent: navigator.userAgent.slice(0, 200) });
      await GateStore.forget();
      known.orders.clear();
      device = { token: made.token };
      await GateStore.set("token", made.token);
      navigator.storage?.persist?.();
    } catch (error) {
      notice(error instanceof Refused ? error.problem.title : say("no-network"));
    }
    paint();
  }

  async function enrolByLink() {
    const code = new URLSearchParams(location.hash.slice(1)).get("enrol");
    if (!code) return;
    $("enrol-code").value = code;
    await enrol(code);
    if (online) history.replaceState(null, "", "/gate"); // it counts once: opened again it would only complain
  }

  async function goOnDuty(form) {
    const said = Object.fromEntries(new FormData(form));
    try {
      device.shift = await ask("POST", `${API}/shift`, said);
      await GateStore.set("shift", device.shift);
      form.reset();
      notice("");
      await loadKeys();
      await sync();
      rest();
    } catch (error) {
      notice(error instanceof Refused ? error.problem.title : say("no-network"));
    }
    paint();
  }

  async function goOffDuty() {
    try { await upload(); await ask("DELETE", `${API}/shift`); } catch (error) { if (!(error instanceof Refused)) return notice(say("no-network")); }
    device.shift = null;
    await GateStore.set("shift", undefined);
    paint();
  }

  // The camera, where the browser can read codes itself.
  let camera = null;
  async function look() {
    if (camera) { for (const track of camera.getTracks()) track.stop(); camera = null; $("video").hidden = true; return; }
    try {
      camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch { return notice(say("no-camera")); }
    const video = $("video");
    video.hidden = false;
    video.srcObject = camera;
    await video.play();
    const reader = new BarcodeDetector({ formats: ["qr_code"] });
    let last = "";
    let lastAt = 0;
    const step = async () => {
      if (!camera) return;
      const [code] = await reader.detect(video).catch(() => []);
      if (code && (code.rawValue !== last || Date.now() - lastAt > 4000)) {
        [last, lastAt] = [code.rawValue, Date.now()];
        await take(code.rawValue);
      }
      setTimeout(step, 150);
    };
    step();
  }

  // A handheld scanner types fast and ends with Enter, wherever the focus is.
  let typedKeys = "";
  let typedAt = 0;
  document.addEventListener("keydown", (event) => {
    if (event.target.closest("input, textarea") || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.timeStamp - typedAt > 250) typedKeys = "";
    typedAt = event.timeStamp;
    if (event.key.length === 1) typedKeys += event.key;
    else if (event.key === "Enter" && typedKeys.length > 8) {
      event.preventDefault();
      const text = typedKeys;
      typedKeys = "";
      take(text);
    }
  });

  $("scan").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = $("typed").value;
    $("typed").value = "";
    take(text);
  });
  $("shift-form").addEventListener("submit", (event) => { event.preventDefault(); goOnDuty(event.target); });
  $("enrol-form").addEventListener("submit", (event) => { event.preventDefault(); enrol($("enrol-code").value); });
  $("out").onclick = () => leave(1);
  $("sign-out").onclick = goOffDuty;
  $("camera").onclick = look;
  $("camera").hidden = !("BarcodeDetector" in window && navigator.mediaDevices);
  $("tongue").onclick = () => { language = language === "zh" ? "en" : "zh"; localStorage.setItem("gate-language", language); translate(); };
  addEventListener("hashchange", enrolByLink);
  addEventListener("online", () => { failedAt = 0; sync().catch(() => {}); });
  addEventListener("offline", () => reached(false));

  async function start() {
    navigator.serviceWorker?.register("/gate/sw.js", { scope: "/gate" }).catch(() => {});
    const [token, shift, list, found, orders, passed, queue] = await Promise.all([
      GateStore.get("token"), GateStore.get("shift"), GateStore.get("list"), GateStore.get("keys"), GateStore.all("orders"),
      GateStore.all("passed"), GateStore.all("queue"),
    ]);
    keys = found ?? {};
    waiting = queue;
    if (token) device = { token, shift, list, skew: list?.skew ?? 0 };
    if (list) settle();
    for (const order of orders) known.orders.set(order.number, order);
    const old = passed.filter((one) => one.at < now() - 3 * 86400).map((one) => one.key);
    for (const one of passed) known.passed.set(one.key, [one.at, one.where]);
    if (old.length) await GateStore.unpass(old);
    inside = list?.inside ?? 0;
    translate();
    await enrolByLink();
    sync().catch(() => {});
    setInterval(() => sync().catch(() => {}), SYNC_MS);
    setInterval(paint, 5000);
    document.documentElement.dataset.ready = "1";
  }
  start();
})();
