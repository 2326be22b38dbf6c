// The same checks as on the server (accounts/documents, accounts/contacts), for when there is none: codes and values.
"use strict";
const DeskChecks = (() => {
  const TWINS = new Map([..."АВЕКМНОРСТХавекмнорстх×✕✖"].map((one, at) => [one, [..."ABEKMHOPCTXABEKMHOPCTXXXX"][at]]));
  const BLANK = /[\p{Cc}\p{Cf}\u034f\u115f\u1160\u2800\ufe00-\ufe0f]/gu;
  const ALIKE = { O: "0", I: "1", L: "1" };
  const PROVINCE = /^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71)/;
  const RESIDENCE = /^8[123]0000/;
  const HKMO = /^(?:[HM]\d{8}(?:\d{2})?|[HM]A\d{7})$/;
  const TW = /^\d{8}(?:\d{2}(?:\([A-Z]\)|[A-Z])?)?$/;
  const TW_ONE_TRIP = /^(?![A-Z][A-D1289]\d{8}$)(?=(?:[A-Z]*\d){6})[A-Z0-9]{10,12}$/;
  const FOREIGN_OLD = /^[A-Z]{3}\d{12}$/;
  const PASSPORT = /^[A-Z0-9]{5,9}$/;
  const PASSPORT_LIKELY = /^[A-Z]{1,2}\d{6,8}$/;
  const ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXY";

  const visible = (text) => text.normalize("NFKC").replace(/\s/g, " ").replace(BLANK, "").normalize("NFC");
  const plain = (raw, separators) => [...visible(raw)].map((one) => TWINS.get(one) ?? one).filter((one) => !separators.test(one)).join("");
  const SEPARATOR = /[ \-‐‒–—―−ー]/;
  const PHONE_SEPARATOR = /[ \-‐‒–—―−ー()./]/;
  const finding = (code, values = {}) => ({ code, ...values });
  const wrong = (code, text, fine, start = 0) => [...text].flatMap((char, at) => (at >= start && !fine.test(char) ? [finding(code, { pos: at + 1, char })] : [])).slice(0, 18);

  // ISO 7064 MOD 11-2, as GB 11643 prescribes.
  function checkCharacter(number) {
    let sum = 0;
    for (let at = 0; at < 17; at++) sum += Number(number[at]) * (2 ** (17 - at) % 11);
    return "10X98765432"[sum % 11];
  }

  function birthDate(number, today, found) {
    const digits = number.slice(6, 14);
    const [year, month, day] = [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6)].map(Number);
    const date = new Date(Date.UTC(year, month - 1, day));
    const exists = year >= 1 && date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
    const iso = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
    if (!exists) found.push(finding("ID_DATE_IMPOSSIBLE", { got: digits }));
    else if (iso > today) found.push(finding("ID_DATE_FUTURE"));
    else if (year < Number(today.slice(0, 4)) - 130) found.push(finding("ID_DATE_IMPOSSIBLE", { got: digits }));
  }

  function eighteen(number, typed, today, found) {
    if (/^\d{17}[\dX]$/.test(number)) {
      birthDate(number, today, found);
      if (checkCharacter(number) !== number[17]) found.push(finding("ID_CHECKSUM"));
      return;
    }
    if (number.length !== 18) found.push(finding("ID_LENGTH", { got: number.length }));
    if (number.slice(0, -1).includes("X")) found.push(finding("ID_X_ONLY_LAST"));
    found.push(...wrong("ID_CHAR", typed, /[0-9Xx]/));
    if (number.length === 18 && /^\d{8}$/.test(number.slice(6, 14))) birthDate(number, today, found);
  }

  function resembled(number) {
    if (number.length >= 17 && number.length <= 19) {
      if (/^8[123]/.test(number)) return "hkmotw_residence_permit";
      if (number[0] === "9") return "foreign_pr_id";
      return PROVINCE.test(number) ? "cn_resident_id" : null;
    }
    if (HKMO.test(number)) return "hkmo_travel_permit";
    if (number.length === 8 && TW.test(number)) return "tw_travel_permit";
    if (FOREIGN_OLD.test(number)) return "foreign_pr_id";
    return PASSPORT_LIKELY.test(number) ? "passport" : null;
  }

  function misfit(number, typed, code, fits, letters, found) {
    found.push(finding(code));
    const mended = number.slice(0, letters) + [...number.slice(letters)].map((one) => ALIKE[one] ?? one).join("");
    if (fits.test(mended)) {
      for (const one of [...typed].map((char, at) => [char, at]).filter(([char, at]) => at >= letters && char.toUpperCase() in ALIKE)) found.push(finding("ID_CHAR", { pos: one[1] + 1, char: one[0] }));
    } else {
      const other = resembled(number);
      if (other) found.push(finding("ID_OTHER_TYPE", { suggest: other }));
    }
  }

  const RULES = {
    cn_resident_id(number, typed, today, found) {
      if (!PROVINCE.test(number) || !/^\d{17}[\dX]$/.test(number)) {
        if (/^\d{15}$/.test(number)) return found.push(finding("ID_OLD_15"));
        const other = resembled(number);
        if (other && other !== "cn_resident_id") {
          found.push(finding("ID_OTHER_TYPE", { suggest: other }));
          if (number.length < 17 || number.length > 19) return found.push(finding("ID_LENGTH", { got: number.length }));
        } else if (number.length === 18 && !PROVINCE.test(number) && /^\d\d/.test(number)) {
          found.push(finding("ID_REGION", { got: number.slice(0, 2) }));
        }
      }
      return eighteen(number, typed, today, found);
    },
    hkmotw_residence_permit(number, typed, today, found) {
      if (!RESIDENCE.test(number)) {
        const other = resembled(number);
        found.push(other && other !== "hkmotw_residence_permit" ? finding("ID_OTHER_TYPE", { suggest: other }) : finding("HKMOTW_FORMAT"));
        if (number.length < 15 || number.length > 19) return;
      }
      eighteen(number, typed, today, found);
    },
    foreign_pr_id(number, typed, today, found) {
      if (number[0] === "9") eighteen(number, typed, today, found);
      else if (!FOREIGN_OLD.test(number)) misfit(number, typed, "FPR_FORMAT", FOREIGN_OLD, 3, found);
    },
    hkmo_travel_permit(number, typed, today, found) {
      if (!HKMO.test(number)) misfit(number, typed, "HKMO_FORMAT", HKMO, 1, found);
    },
    tw_travel_permit(number, typed, today, found) {
      if (!TW.test(number) && !(TW_ONE_TRIP.test(number) && !HKMO.test(number))) misfit(number, typed, "TW_FORMAT", TW, 0, found);
    },
    passport(number, typed, today, found) {
      const bare = number.replace(/<+$/, "");
      if (!PASSPORT.test(bare)) misfit(bare, typed, "PASSPORT_FORMAT", PASSPORT, 0, found);
    },
  };

  // What is wrong with a document; today as 2026-12-31.
  function checkDocument(type, raw, today) {
    const rule = RULES[type];
    if (!rule) return [finding("ID_TYPE_UNKNOWN")];
    if (raw.length > 200) return [finding("TOO_LONG", { most: 200 })];
    const typed = plain(raw, SEPARATOR);
    if (!typed) return [finding("ID_EMPTY")];
    const found = [];
    rule(typed.replace(/[a-z]/g, (one) => one.toUpperCase()), typed, today, found);
    return found;
  }

  function checkName(raw) {
    if (raw.length > 200) return [finding("TOO_LONG", { most: 200 })];
    const name = visible(raw).trim().replace(/ +/g, " ").replace(/([\u3400-\u9fff]) (?=[\u3400-\u9fff])/gu, "$1");
    if (!name) return [finding("NAME_EMPTY")];
    const found = [...name].length < 2 || [...name].length > 60 ? [finding("NAME_LENGTH", { got: [...name].length })] : [];
    return found.concat(wrong("NAME_CHARACTERS", name, /[\p{L}\p{Mn}\p{Mc} .\-'·〇•‧・∙⋅‐‒–’‘`´]/u));
  }

  // A phone may be missing; elsewhere than in the mainland it begins with a plus.
  function checkPhone(raw) {
    let typed = plain(raw, PHONE_SEPARATOR);
    if (!typed) return [];
    const found = wrong("PHONE_CHAR", typed, /\d/, typed[0] === "+" ? 1 : 0);
    if (found.length) return found;
    typed = typed.replace(/^00/, "+");
    if (typed[0] === "+" && !typed.startsWith("+86")) return /^\+[1-9]\d{6,14}$/.test(typed) ? [] : [finding("PHONE_INVALID")];
    const digits = typed.replace(/^\+86/, "");
    if (/^(?:86|0086)?0?1[3-9]\d{9}$/.test(digits)) return [];
    return [digits.length === 11 ? finding("PHONE_PREFIX") : finding("PHONE_LENGTH", { got: digits.length })];
  }

  // A slip's number as typed or scanned; null when its check character does not fit.
  function readSlip(text) {
    const parts = text.trim().split(".");
    const typed = (parts.length === 3 && parts[0].toUpperCase() === "HFS1" ? parts[1] : text).replace(/[\s\-–—]/g, "").toUpperCase();
    const code = [...typed].map((one) => ({ I: "1", L: "1", O: "0", U: "V", Z: "2" })[one] ?? one).join("");
    if (!/^[0-9A-Z]{2}\d{5}[0-9A-Z]$/.test(code) || [...code].some((one) => !ALPHABET.includes(one))) return null;
    let total = 0;
    for (const one of code.slice(0, 7)) total = ((total + ALPHABET.indexOf(one)) * 2) % 31;
    return ALPHABET[total] === code[7] ? code : null;
  }
  const readSeal = (text, number) => {
    const parts = number.trim().split(".");
    const typed = text || (parts.length === 3 ? parts[2] : "");
    return [...typed.toUpperCase()].filter((one) => /[0-9A-Z]/.test(one)).map((one) => ({ I: "1", L: "1", O: "0", U: "V", Z: "2" })[one] ?? one).join("");
  };
  const showSlip = (code) => `${code.slice(0, 2)}-${code.slice(2, 7)}-${code.slice(7)}`;

  return { checkDocument, checkName, checkPhone, readSlip, readSeal, showSlip };
})();
