/* As much of Stripe.js as a card page needs, against the simulator that serves it. Card numbers go to the simulator
   alone. Where Stripe draws its form in a frame of its own, this one draws plain fields: no style, no frame, no eval,
   so that a strict content policy holds. */
(function () {
  "use strict";

  var own = document.currentScript || document.querySelector('script[src*="/stripe/v3"]');
  var api = new URL("../v1/", own.src).href;

  var WORDS = {
    zh: {
      number: "卡号", expiry: "有效期（月 / 年）", cvc: "安全码",
      incomplete: "请填写完整的银行卡信息。",
      unreachable: "无法连接支付服务，请稍后重试。",
      hint: "模拟器测试卡：4242 4242 4242 4242 支付成功；4000 0000 0000 0002 被拒绝；4000 0025 0000 3155 需要银行验证。"
    },
    en: {
      number: "Card number", expiry: "Expiry (month / year)", cvc: "Security code",
      incomplete: "Please fill in all of the card's fields.",
      unreachable: "The payment service cannot be reached. Try again in a moment.",
      hint: "Test cards of the simulator: 4242 4242 4242 4242 pays; 4000 0000 0000 0002 is declined; 4000 0025 0000 3155 asks the bank first."
    }
  };
  var REASONS = {
    insufficient_funds: "您的银行卡余额不足。", card_declined: "您的银行卡被拒绝。", expired_card: "您的银行卡已过期。",
    incorrect_cvc: "安全码不正确。", invalid_cvc: "安全码无效。", incorrect_number: "卡号不正确。",
    invalid_expiry_month: "有效期月份无效。", invalid_expiry_year: "有效期年份无效。",
    processing_error: "处理银行卡时出错，请稍后重试。",
    payment_intent_authentication_failure: "银行验证未通过，请换一种支付方式再试。",
    payment_intent_unexpected_state: "该支付已结束，请返回查看订单。"
  };

  function language(options) {
    var wanted = options && options.locale && options.locale !== "auto" ? options.locale : document.documentElement.lang;
    return /^zh/i.test(wanted || "") ? "zh" : "en";
  }

  function encoded(prefix, value, into) {
    if (value === undefined || value === null) return into;
    if (typeof value === "object") {
      Object.keys(value).forEach(function (name) { encoded(prefix ? prefix + "[" + name + "]" : name, value[name], into); });
    } else {
      into.append(prefix, String(value));
    }
    return into;
  }

  function Fields(options) {
    var lang = language(options), words = WORDS[lang], inputs = {}, listeners = {}, root = null;

    function tell(name, event) {
      (listeners[name] || []).forEach(function (listener) { listener(event || { elementType: "payment" }); });
    }

    function input(parent, name, id, attributes) {
      var label = document.createElement("label"), field = document.createElement("input");
      label.htmlFor = field.id = "stripe-" + id;
      label.textContent = words[name];
      field.type = "text";
      field.inputMode = "numeric";
      field.required = true;
      Object.keys(attributes).forEach(function (key) { field.setAttribute(key, attributes[key]); });
      field.addEventListener("input", function () {
        tell("change", { elementType: "payment", empty: !filled().some(Boolean), complete: complete(), value: { type: "card" } });
      });
      parent.append(label, field);
      inputs[name] = field;
    }

    function filled() { return ["number", "expiry", "cvc"].map(function (name) { return inputs[name].value.trim(); }); }
    function complete() {
      return /^[\d ]{12,23}$/.test(inputs.number.value.trim()) && expiry() !== null && /^\d{3,4}$/.test(inputs.cvc.value.trim());
    }
    function expiry() {
      var found = /^(\d{1,2})\s*\/?\s*(\d{2}|\d{4})$/.exec(inputs.expiry.value.trim());
      return found ? { month: found[1], year: found[2] } : null;
    }

    return {
      lang: lang,
      words: words,
      complete: function () { return root !== null && complete(); },
      focus: function () {
        var first = ["number", "expiry", "cvc"].filter(function (name) { return !inputs[name].value.trim(); })[0];
        if (root) inputs[first || "number"].focus();
      },
      card: function () {
        var until = expiry();
        return { number: inputs.number.value.replace(/\s/g, ""), exp_month: until.month, exp_year: until.year, cvc: inputs.cvc.value.trim() };
      },
      element: {
        mount: function (where) {
          var place = typeof where === "string" ? document.querySelector(where) : where;
          if (!place) throw new Error("The selector you specified applies to no DOM elements that are currently on the page.");
          root = document.createElement("div");
          root.className = "stripe-simulated";
          input(root, "number", "number", { autocomplete: "cc-number", maxlength: "23", placeholder: "1234 1234 1234 1234" });
          input(root, "expiry", "expiry", { autocomplete: "cc-exp", maxlength: "7", placeholder: "12 / 34" });
          input(root, "cvc", "cvc", { autocomplete: "cc-csc", maxlength: "4", placeholder: "123" });
          var hint = document.createElement("p");
          hint.textContent = words.hint;
          root.append(hint);
          place.replaceChildren(root);
          setTimeout(function () { tell("ready"); }, 0);
        },
        unmount: function () { if (root) root.remove(); root = null; },
        destroy: function () { if (root) root.remove(); root = null; },
        update: function () {},
        focus: function () { if (root) inputs.number.focus(); },
        on: function (name, listener) { (listeners[name] = listeners[name] || []).push(listener); return this; },
        off: function (name) { delete listeners[name]; return this; }
      }
    };
  }

  function failed(fields, error) {
    var lang = fields ? fields.lang : language(null);
    var said = lang === "zh" && (REASONS[error.decline_code] || REASONS[error.code]);
    return { error: Object.assign({}, error, { message: said || error.message }) };
  }

  window.Stripe = function (key, settings) {
    if (!key) throw new Error("Please call Stripe() with your publishable key.");

    function ask(path, parameters, method) {
      var form = encoded("", Object.assign({ key: key }, parameters), new URLSearchParams());
      var url = api + path, init = { method: method, credentials: "omit" };
      if (method === "GET") url += "?" + form.toString(); else init.body = form;
      return fetch(url, init).then(function (answer) { return answer.json(); });
    }

    function number(secret) { return String(secret).split("_secret_")[0]; }

    function onward(url, intent, status) {
      var target = new URL(url, document.baseURI);
      target.searchParams.set("payment_intent", intent.id);
      target.searchParams.set("payment_intent_client_secret", intent.client_secret);
      target.searchParams.set("redirect_status", status);
      window.location.assign(target.href);
      return new Promise(function () {});  /* the page is leaving */
    }

    return {
      elements: function (options) {
        var given = Object.assign({}, settings, options), fields = null;
        return {
          create: function (kind) {
            if (kind !== "payment" && kind !== "card") throw new Error("This simulator has the elements payment and card.");
            fields = Fields(given);
            return fields.element;
          },
          getElement: function () { return fields && fields.element; },
          update: function () {},
          fetchUpdates: function () { return Promise.resolve({}); },
          submit: function () {
            if (fields && fields.complete()) return Promise.resolve({ selectedPaymentMethod: "card" });
            if (fields) fields.focus();
            var words = fields ? fields.words : WORDS[language(given)];
            return Promise.resolve({ error: { type: "validation_error", code: "incomplete_payment_details", message: words.incomplete } });
          },
          _secret: given.clientSecret,
          _fields: function () { return fields; }
        };
      },

      confirmPayment: function (options) {
        var elements = options.elements, fields = elements && elements._fields();
        var secret = options.clientSecret || (elements && elements._secret), confirm = options.confirmParams || {};
        if (!fields || !secret) return Promise.reject(new Error("confirmPayment needs elements with a mounted element and a client secret."));
        return elements.submit().then(function (checked) {
          if (checked.error) return checked;
          var parameters = {
            client_secret: secret,
            return_url: confirm.return_url && new URL(confirm.return_url, document.baseURI).href,
            payment_method_data: { type: "card", card: fields.card() }
          };
          return ask("payment_intents/" + encodeURIComponent(number(secret)) + "/confirm", parameters, "POST").then(function (answer) {
            if (answer.error) return failed(fields, answer.error);
            if (answer.status === "requires_action") {
              window.location.assign(answer.next_action.redirect_to_url.url);
              return new Promise(function () {});
            }
            if (options.redirect === "if_required" || !confirm.return_url) return { paymentIntent: answer };
            return onward(confirm.return_url, answer, answer.status === "succeeded" ? "succeeded" : "pending");
          }, function () {
            return { error: { type: "api_connection_error", message: fields.words.unreachable } };
          });
        });
      },

      retrievePaymentIntent: function (secret) {
        return ask("payment_intents/" + encodeURIComponent(number(secret)), { client_secret: secret }, "GET").then(function (answer) {
          return answer.error ? failed(null, answer.error) : { paymentIntent: answer };
        }, function () {
          return { error: { type: "api_connection_error", message: WORDS[language(null)].unreachable } };
        });
      }
    };
  };
  window.Stripe.version = "simulated";
}());
