// The gate's rules: reads and verifies codes of tickets, and decides without a network. Nothing here touches the page or a store.
"use strict";
const GateCore = (() => {
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXY";
  const LOOKALIKES = { I: "1", L: "1", O: "0", U: "V", Z: "2" };

  function text(bytes) {
    return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function bytes(base64url) {
    if (!/^[\w-]+$/.test(base64url)) throw new Error("unreadable");
    const raw = Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    if (text(raw) !== base64url) throw new Error("unreadable");
    return raw;
  }

  // As much of MessagePack as a ticket needs: one array of texts, whole numbers and bytes.
  function unpack(raw) {
    const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
    let at = 0;
    const take = (length) => {
      if (at + length > raw.length) throw new Error("unreadable");
      at += length;
      return raw.subarray(at - length, at);
    };
    const number = (width) => { take(width); return width === 8 ? Number(view.getBigUint64(at - 8)) : width === 4 ? view.getUint32(at - 4) : width === 2 ? view.getUint16(at - 2) : view.getUint8(at - 1); };
    const utf8 = (length) => new TextDecoder("utf-8", { fatal: true }).decode(take(length));
    function value() {
      const tag = number(1);
      if (tag < 0x80) return tag;
      if (tag >= 0x90 && tag < 0xa0) return Array.from({ length: tag & 15 }, value);
      if (tag >= 0xa0 && tag < 0xc0) return utf8(tag & 31);
      if (tag === 0xc4) return take(number(1));
      if (tag >= 0xcc && tag <= 0xcf) return number(1 << (tag - 0xcc));
      if (tag === 0xd9) return utf8(number(1));
      throw new Error("unreadable");
    }
    const found = value();
    if (at !== raw.length || !Array.isArray(found)) throw new Error("unreadable");
    return found;
  }

  // What a code says: {number, ticket, admits, venue, starts, ends, tag, version, proven}. An Error says why it is none of ours.
  // `proven` is false where this browser cannot verify Ed25519 (RFC 8032): then only the list can vouch for it.
  async function read(code, keys) {
    const [prefix, content, signature, more] = code.trim().split(".");
    if (prefix !== "HF1" || !content || !signature || more !== undefined) throw new Error("unreadable");
    const raw = bytes(content);
    const [keyId, number, ticket, admits, venue, starts, ends, tag, version = 1] = unpack(raw);
    if (typeof number !== "string" || !Number.isInteger(ticket) || !Number.isInteger(starts)) throw new Error("unreadable");
    const key = keys[keyId];
    if (!key) throw new Error("unknown key");
    let proven = false;
    let made = null;
    try {
      made = await crypto.subtle.importKey("raw", Uint8Array.from(atob(key), (c) => c.charCodeAt(0)), { name: "Ed25519" }, false, ["verify"]);
    } catch { /* an old browser, or a page without https */ }
    if (made) {
      proven = await crypto.subtle.verify({ name: "Ed25519" }, made, bytes(signature), raw);
      if (!proven) throw new Error("signature does not fit");
    }
    const hex = Array.from(tag, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return { number, ticket, admits, venue, starts, ends, tag: hex, version, proven };
  }

  // An order's number as somebody types it; null when it cannot be one.
  function number(typed) {
    const code = typed.replace(/[\s\-–—]/g, "").toUpperCase().replace(/[ILOUZ]/g, (c) => LOOKALIKES[c]);
    if (code.length !== 10 || [...code].some((c) => !ALPHABET.includes(c))) return null;
    let total = 0;
    for (const c of code.slice(0, 9)) total = ((total + ALPHABET.indexOf(c)) * 2) % 31;
    return ALPHABET[total] === code[9] ? code : null;
  }

  const keyOf = (asked, order) => `${asked.number}/${asked.ticket}/${asked.version ?? order?.version ?? 1}`;

  // What the gate says of a ticket at a moment (unix seconds), from what this device knows:
  // {venue, early, late, orders: Map of number to order, passed: Map of key to [moment, gate]}.
  // asked: what `read` gave, or {number, ticket} of a typed number. insisted: staff let in outside the entry window.
  function judge(asked, known, moment, insisted = false) {
    const order = known.orders.get(asked.number);
    const typed = asked.version === undefined;
    const listed = order?.tickets.find((one) => one.seq === asked.ticket && (typed || asked.version === order.version));
    const said = (verdict, more = {}) => ({ verdict, holder: listed?.holder ?? "", admits: listed?.admits ?? asked.admits ?? 1,
      starts: listed?.starts ?? asked.starts, ends: listed?.ends ?? asked.ends, group: listed?.group ?? 0, key: keyOf(asked, order), ...more });
    if (!typed && asked.venue !== known.venue) return said("wrong-venue");
    if (typed && !order) return said("unknown");
    if (typed && !listed) return said("revoked");
    if (!typed && order && asked.version < order.version) return said("revoked");
    if (!typed && !asked.proven && !(listed && listed.tag === asked.tag)) return said("unknown");
    const used = known.passed.get(keyOf(asked, order)) ?? listed?.used;
    if (used) return said("used", { used });
    const { starts, ends } = listed ?? asked;
    if (!insisted && moment < starts - known.early) return said("too-early");
    if (!insisted && moment > ends + known.late) return said("too-late");
    return said("valid");
  }

  return { read, number, judge };
})();
