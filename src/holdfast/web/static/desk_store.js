// What a desk keeps on the device (IndexedDB): the places it loaded, its numbers, and every booking it took down.
"use strict";
const DeskStore = (() => {
  const STORES = { kept: undefined, numbers: "number", lines: "number" };
  let opened = null;

  function database() {
    opened ??= new Promise((resolve, reject) => {
      const asked = indexedDB.open("holdfast-desk", 1);
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

  const pack = () => within(["kept"], (kept) => answer(kept.get("pack")));
  const lines = () => within(["lines"], (all) => answer(all.getAll()));
  const numbersLeft = () => within(["numbers"], (all) => answer(all.count()));

  const learn = (pack, pad, numbers) => within(["kept", "numbers"], async (kept, all) => {
    await answer(kept.put(pack, "pack"));
    for (const one of numbers) all.put({ ...one, pad });
  });

  const numbered = (line, number, seal) => ({ ...line, number, seal, written: { ...line.written, slip: DeskChecks.showSlip(number), seal } });
  // The line and its number in one transaction: no number is given twice, also in two windows, and none without its line.
  const take = (line) => within(["numbers", "lines"], async (numbers, lines) => {
    if (line.number) {
      if (await answer(lines.get(line.number))) return null;
      const typed = numbered(line, line.number, line.seal);
      await answer(lines.add(typed));
      return typed;
    }
    const first = (await answer(numbers.getAll(null, 1)))[0];
    if (!first) return undefined;
    await answer(numbers.delete(first.number));
    const whole = { ...numbered(line, first.number, first.seal), pad: first.pad };
    await answer(lines.add(whole));
    return whole;
  });

  const settle = (answered) => within(["lines"], async (lines) => {
    for (const one of answered) {
      const kept = await answer(lines.get(one.number));
      if (kept) await answer(lines.put({ ...kept, ...one }));
    }
  });
  const forget = (numbers) => within(["lines"], async (lines) => { for (const one of numbers) await answer(lines.delete(one)); });
  const dropNumbers = () => within(["numbers"], (numbers) => answer(numbers.clear()));

  return { pack, lines, numbersLeft, learn, take, settle, forget, dropNumbers };
})();
