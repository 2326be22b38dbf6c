// What a gate keeps on the device (IndexedDB): its token, the list of tickets, and what it has let in and not uploaded yet.
"use strict";
const GateStore = (() => {
  const STORES = { kept: undefined, orders: "number", queue: "counter", passed: "key" };
  let opened = null;

  function database() {
    opened ??= new Promise((resolve, reject) => {
      const asked = indexedDB.open("holdfast-gate", 1);
      asked.onupgradeneeded = () => {
        for (const [name, keyPath] of Object.entries(STORES)) asked.result.createObjectStore(name, keyPath ? { keyPath } : undefined);
      };
      asked.onsuccess = () => resolve(asked.result);
      asked.onerror = () => reject(asked.error);
    });
    return opened;
  }

  // Runs `work` with the stores in one transaction; its value once the transaction is on the disk.
  async function within(names, work) {
    const tx = (await database()).transaction(names, "readwrite", { durability: "strict" });
    const done = new Promise((resolve, reject) => {
      tx.oncomplete = resolve;
      tx.onerror = tx.onabort = () => reject(tx.error ?? new Error("aborted"));
    });
    const value = await work(...names.map((name) => tx.objectStore(name)));
    await done;
    return value;
  }

  const answer = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

  const get = (name) => within(["kept"], (kept) => answer(kept.get(name)));
  const set = (name, value) => within(["kept"], (kept) => answer(value === undefined ? kept.delete(name) : kept.put(value, name)));
  const all = (name) => within([name], (store) => answer(store.getAll()));

  // The next number of this device: never the same twice, also in two windows.
  const next = () => within(["kept"], async (kept) => {
    const counter = ((await answer(kept.get("counter"))) ?? 0) + 1;
    await answer(kept.put(counter, "counter"));
    return counter;
  });
  // A number that was surely refused, and after which none was given, is given again.
  const giveBack = (counter) => within(["kept"], async (kept) => {
    if ((await answer(kept.get("counter"))) === counter) await answer(kept.put(counter - 1, "counter"));
  });

  const queue = (scan) => within(["queue"], (store) => answer(store.put(scan)));
  const unqueue = (counters) => within(["queue"], async (store) => { for (const one of counters) await answer(store.delete(one)); });
  const pass = (key, at, where) => within(["passed"], (store) => answer(store.put({ key, at, where })));
  const unpass = (keys) => within(["passed"], async (store) => { for (const one of keys) await answer(store.delete(one)); });

  const learn = (list, kept) => within(["orders", "kept"], async (orders, values) => {
    if (list.whole) await answer(orders.clear());
    for (const order of list.orders) orders.put(order);
    await answer(values.put(kept, "list"));
  });
  // Enrolled no more: the list goes. What was let in stays to be uploaded, and numbers go on, so that none is given twice.
  const forget = () => within(["kept", "orders"], async (kept, orders) => {
    const counter = await answer(kept.get("counter"));
    await answer(kept.clear());
    if (counter) await answer(kept.put(counter, "counter"));
    await answer(orders.clear());
  });

  return { get, set, all, next, giveBack, queue, unqueue, pass, unpass, learn, forget };
})();
