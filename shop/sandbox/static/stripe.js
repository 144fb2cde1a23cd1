// The calls of Stripe.js that a shop uses, with the same names, arguments and answers, spoken to the sandbox.
// It finds the sandbox by its own address, needs no inline script or style, and keeps to its shadow roots.
(() => {
  "use strict";

  const BASE = new URL("../", document.currentScript.src);

  const TEST_CARDS = [
    ["Succeeds", "4242424242424242"],
    ["Declined", "4000000000000002"],
    ["No funds", "4000000000009995"],
    ["3-D Secure", "4000002500003155"],
    ["3-D Secure, then declined", "4000008400001629"],
    ["Succeeds after a wait", "4000009900000012"],
  ];

  const BRANDS = [
    ["Visa", /^4/, 16, 3],
    ["Mastercard", /^(5[1-5]|2[2-7])/, 16, 3],
    ["American Express", /^3[47]/, 15, 4],
    ["Discover", /^6(011|5)/, 16, 3],
    ["Diners Club", /^3(0[0-5]|[689])/, 16, 3],
    ["JCB", /^35/, 16, 3],
    ["UnionPay", /^62/, 16, 3],
  ];
  const brandOf = (digits) => {
    const [name, , length, cvc] = BRANDS.find(([, pattern]) => pattern.test(digits)) || ["", null, 16, 3];
    return { name, cvc, length: name === "Diners Club" && digits.startsWith("36") ? 14 : length };
  };

  const FIELD_SHEET = new CSSStyleSheet();
  FIELD_SHEET.replaceSync(`
    :host { display: block; }
    .root {
      --primary: var(--stripe-color-primary, #1f4e5f); --text: var(--stripe-color-text, #16202a);
      --background: var(--stripe-color-background, #ffffff); --danger: var(--stripe-color-danger, #b0341c);
      --radius: var(--stripe-border-radius, 6px); --unit: var(--stripe-spacing-unit, 4px);
      --font: var(--stripe-font-family, system-ui, sans-serif);
      color: var(--text); font: 16px/1.45 var(--font);
    }
    .night { color-scheme: dark;
      --primary: var(--stripe-color-primary, #7fb3c4); --text: var(--stripe-color-text, #e9e4d8);
      --background: var(--stripe-color-background, #141d25); --danger: var(--stripe-color-danger, #ff9a80); }
    @media (prefers-color-scheme: dark) {
      .auto { color-scheme: dark;
        --primary: var(--stripe-color-primary, #7fb3c4); --text: var(--stripe-color-text, #e9e4d8);
        --background: var(--stripe-color-background, #141d25); --danger: var(--stripe-color-danger, #ff9a80); }
    }
    .root.given { --primary: var(--given-primary, #1f4e5f); --text: var(--given-text, #16202a);
      --background: var(--given-background, #ffffff); --danger: var(--given-danger, #b0341c); }
    .root.given.night { --primary: var(--given-primary, #7fb3c4); --text: var(--given-text, #e9e4d8);
      --background: var(--given-background, #141d25); --danger: var(--given-danger, #ff9a80); }
    .root { --muted: color-mix(in srgb, var(--text) 74%, var(--background)); }
    .fields { display: grid; grid-template-columns: 1fr 1fr; gap: calc(var(--unit) * 4); }
    .number { grid-column: 1 / -1; }
    .field { min-width: 0; }
    label { display: block; margin-bottom: var(--unit); font-size: 14px; }
    .box { position: relative; }
    input {
      box-sizing: border-box; width: 100%; min-height: 46px; padding: calc(var(--unit) * 2.5) calc(var(--unit) * 3);
      border: 1px solid color-mix(in srgb, var(--text) 52%, var(--background)); border-radius: var(--radius);
      background: var(--background); color: var(--text); font: inherit; font-variant-numeric: tabular-nums;
    }
    .number input { padding-right: 112px; }
    input::placeholder { color: var(--muted); opacity: 1; }
    input:focus { outline: 2px solid var(--primary); outline-offset: 1px; border-color: var(--primary); }
    input[aria-invalid="true"] { border-color: var(--danger); }
    input[aria-invalid="true"]:focus { outline-color: var(--danger); }
    .brand { position: absolute; inset: 0 calc(var(--unit) * 3) 0 auto; display: flex; align-items: center;
      color: var(--muted); font-size: 13px; pointer-events: none; }
    .error { margin: var(--unit) 0 0; color: var(--danger); font-size: 14px; }
    .error:empty { display: none; }
    .tests { margin-top: calc(var(--unit) * 4); color: var(--muted); font-size: 13px; }
    .tests p { margin: 0 0 calc(var(--unit) * 1.5); }
    .tests ul { display: flex; flex-wrap: wrap; gap: calc(var(--unit) * 1.5); margin: 0; padding: 0; list-style: none; }
    .tests button {
      min-height: 32px; padding: 3px 11px; border: 1px solid color-mix(in srgb, var(--text) 24%, var(--background));
      border-radius: 999px; background: none; color: var(--muted); font: inherit; cursor: pointer;
    }
    .tests button:hover { border-color: var(--muted); color: var(--text); }
    .tests button:focus-visible { outline: 2px solid var(--primary); outline-offset: 1px; }
  `);

  const DIALOG_SHEET = new CSSStyleSheet();
  DIALOG_SHEET.replaceSync(`
    dialog { box-sizing: border-box; width: min(500px, calc(100vw - 24px)); height: min(450px, calc(100dvh - 24px)); padding: 0;
      overflow: hidden; border: 0; border-radius: 12px; background: #f6f3ec; color: #16202a; }
    dialog::backdrop { background: rgb(10 16 22 / 0.6); }
    .frame { display: flex; flex-direction: column; height: 100%; }
    iframe { flex: 1; width: 100%; border: 0; }
    button { align-self: end; min-height: 44px; padding: 8px 18px; border: 0; background: none; color: inherit;
      font: 15px system-ui, sans-serif; cursor: pointer; text-decoration: underline; text-underline-offset: 3px; }
    button:focus-visible { outline: 2px solid currentColor; outline-offset: -4px; border-radius: 8px; }
    @media (prefers-color-scheme: dark) { dialog { background: #0e151b; color: #e9e4d8; } }
  `);

  const FIELDS = {
    number: { label: "Card number", autocomplete: "cc-number", placeholder: "1234 1234 1234 1234" },
    expiry: { label: "Expiration date", autocomplete: "cc-exp", placeholder: "MM / YY" },
    cvc: { label: "Security code", autocomplete: "cc-csc", placeholder: "CVC" },
  };

  // Small things ---------------------------------------------------------------------------------

  const digitsOf = (text) => text.replace(/\D/g, "");

  function element(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  function passesLuhn(digits) {
    const doubled = [...digits].reverse().map((digit, place) => Number(digit) * (place % 2 ? 2 : 1));
    return doubled.reduce((sum, value) => sum + (value > 9 ? value - 9 : value), 0) % 10 === 0;
  }

  function grouped(digits) {
    const pattern = brandOf(digits).length === 16 ? [4, 4, 4, 4, 3] : [4, 6, 5];
    const groups = [];
    for (const size of pattern) {
      if (digits) groups.push(digits.slice(0, size));
      digits = digits.slice(size);
    }
    return groups.join(" ");
  }

  function slashed(digits, deleting) {
    if (/^[2-9]/.test(digits)) digits = "0" + digits;
    if (digits.length < 2 || (digits.length === 2 && deleting)) return digits;
    return `${digits.slice(0, 2)} / ${digits.slice(2, 4)}`;
  }

  // Sets a formatted value and leaves the caret behind the same digit as before.
  function rewrite(input, value, digitsBeforeCaret) {
    input.value = value;
    if (input.getRootNode().activeElement !== input) return;
    let caret = 0;
    for (let seen = 0; caret < value.length && seen < digitsBeforeCaret; caret += 1) if (/\d/.test(value[caret])) seen += 1;
    if (!/\d/.test(value.slice(caret))) caret = value.length;
    input.setSelectionRange(caret, caret);
  }

  const CHECKS = {
    number(value) {
      const digits = digitsOf(value);
      if (digits.length < brandOf(digits).length && digits.length < 19) return ["incomplete_number", "Your card number is incomplete."];
      return passesLuhn(digits) ? null : ["invalid_number", "Your card number is invalid."];
    },
    expiry(value) {
      const digits = digitsOf(value);
      if (digits.length < 4) return ["incomplete_expiry", "Your card's expiration date is incomplete."];
      const [month, year] = [Number(digits.slice(0, 2)), 2000 + Number(digits.slice(2))];
      if (month < 1 || month > 12) return ["invalid_expiry_month", "Your card's expiration date is invalid."];
      const now = new Date();
      const past = year < now.getFullYear() || (year === now.getFullYear() && month < now.getMonth() + 1);
      return past ? ["invalid_expiry_year_past", "Your card's expiration date is in the past."] : null;
    },
    cvc(value, number) {
      const complete = digitsOf(value).length >= brandOf(digitsOf(number)).cvc;
      return complete ? null : ["incomplete_cvc", "Your card's security code is incomplete."];
    },
  };

  // The form -------------------------------------------------------------------------------------

  class PaymentElement {
    constructor(elements) {
      this.elements = elements;
      this.listeners = {};
      this.inputs = {};
      this.errors = {};
      this.host = null;
    }

    on(event, listener) { (this.listeners[event] ||= new Set()).add(listener); return this; }
    once(event, listener) {
      const heard = (detail) => { this.off(event, heard); listener(detail); };
      return this.on(event, heard);
    }
    off(event, listener) { listener ? this.listeners[event]?.delete(listener) : delete this.listeners[event]; return this; }
    emit(event, detail = {}) {
      for (const listener of [...(this.listeners[event] || [])]) listener({ elementType: "payment", ...detail });
    }

    mount(target) {
      const parent = typeof target === "string" ? document.querySelector(target) : target;
      if (!parent) throw new Error(`IntegrationError: There is no element ${target} to mount to.`);
      this.unmount();
      this.host = element("div");
      const shadow = this.host.attachShadow({ mode: "open" });
      shadow.adoptedStyleSheets = [FIELD_SHEET, this.elements.sheet];
      this.root = element("div", { role: "group", "aria-label": "Card details" }, this.fields(), this.testCards());
      this.dress();
      shadow.append(this.root);
      parent.append(this.host);
      queueMicrotask(() => this.emit("ready"));
      return this;
    }

    unmount() { this.host?.remove(); this.host = null; this.errors = {}; }
    destroy() { this.unmount(); this.elements.forget(this); }
    focus() { this.inputs.number?.focus(); }
    blur() { this.host?.shadowRoot.activeElement?.blur(); }
    clear() { this.fill("", "", ""); }
    update() { return this; }
    collapse() { return this; }
    dress() { if (this.host) this.root.className = `root ${this.elements.scheme}`; }

    fields() {
      const box = element("div", { class: "fields" });
      for (const [name, field] of Object.entries(FIELDS)) box.append(this.field(name, field));
      return box;
    }

    field(name, { label, autocomplete, placeholder }) {
      const input = element("input", {
        id: name, name, autocomplete, placeholder, type: "text", inputmode: "numeric", spellcheck: "false",
        "aria-describedby": `${name}-error`, "aria-invalid": "false", "aria-required": "true",
      });
      const error = element("p", { id: `${name}-error`, class: "error", "aria-live": "polite" });
      const box = element("div", { class: "box" }, input);
      if (name === "number") box.append((this.brand = element("span", { class: "brand", "aria-hidden": "true" })));
      input.addEventListener("input", (event) => this.typed(name, event));
      input.addEventListener("focus", () => this.emit("focus"));
      input.addEventListener("blur", () => this.left(name));
      input.addEventListener("keydown", (event) => {
        if (event.key === "Enter") this.host.closest("form")?.requestSubmit();
        if (event.key === "Escape") this.emit("escape");
      });
      this.inputs[name] = input;
      this.errors[name] = error;
      return element("div", { class: `field ${name}` }, element("label", { for: name }, label), box, error);
    }

    testCards() {
      const list = element("ul");
      for (const [label, number] of TEST_CARDS) {
        const button = element("button", { type: "button", title: grouped(number) }, label);
        button.addEventListener("click", () => this.fill(grouped(number), `12 / ${(new Date().getFullYear() + 2) % 100}`, "123"));
        list.append(element("li", {}, button));
      }
      const note = element("p", {}, "Sandbox: no real card is charged. Fill in a test card:");
      return element("div", { class: "tests" }, note, list);
    }

    fill(number, expiry, cvc) {
      Object.assign(this.inputs.number, { value: number });
      Object.assign(this.inputs.expiry, { value: expiry });
      Object.assign(this.inputs.cvc, { value: cvc });
      for (const name of Object.keys(FIELDS)) this.say(name, null);
      this.changed();
    }

    typed(name, event) {
      const input = this.inputs[name];
      const before = digitsOf(input.value.slice(0, input.selectionStart)).length;
      const digits = digitsOf(input.value);
      if (name === "number") rewrite(input, grouped(digits.slice(0, 19)), before);
      if (name === "expiry") rewrite(input, slashed(digits.slice(0, 4), event.inputType?.startsWith("delete")), before + (/^[2-9]/.test(digits) ? 1 : 0));
      if (name === "cvc") rewrite(input, digits.slice(0, 4), before);
      if (this.errors[name].textContent) this.check(name);
      this.changed();
    }

    changed() {
      const values = Object.values(this.inputs).map((input) => input.value);
      this.brand.textContent = brandOf(digitsOf(this.inputs.number.value)).name;
      const complete = Object.keys(FIELDS).every((name) => !this.wrong(name));
      this.emit("change", { complete, empty: values.every((value) => !value), collapsed: false, value: { type: "card" } });
    }

    // An error that appears between the press and the release of a button would move the button from under the finger.
    left(name) {
      setTimeout(() => { if (this.host && this.inputs[name].value) this.check(name); }, 250);
      this.emit("blur");
    }

    wrong(name) { return CHECKS[name](this.inputs[name].value, this.inputs.number.value); }

    check(name) {
      const wrong = this.wrong(name);
      this.say(name, wrong);
      return wrong;
    }

    say(name, wrong) {
      this.errors[name].textContent = wrong ? wrong[1] : "";
      this.inputs[name].setAttribute("aria-invalid", String(Boolean(wrong)));
    }

    // Marks every field that is wrong and puts the cursor into the first.
    validate() {
      if (!this.host) throw new Error("IntegrationError: The payment element is not mounted.");
      const wrong = Object.keys(FIELDS).map((name) => [name, this.check(name)]).filter(([, found]) => found);
      if (!wrong.length) return null;
      const [name, [code, message]] = wrong[0];
      this.inputs[name].focus();
      return { type: "validation_error", code, message };
    }

    card() {
      const expiry = digitsOf(this.inputs.expiry.value);
      return {
        number: digitsOf(this.inputs.number.value), exp_month: expiry.slice(0, 2), exp_year: `20${expiry.slice(2)}`,
        cvc: digitsOf(this.inputs.cvc.value),
      };
    }

    // Puts what the bank refused next to the field that it is about.
    blame({ param, message }) {
      const name = { number: "number", exp_month: "expiry", exp_year: "expiry", cvc: "cvc" }[param?.replace(/^.*\[|\]$/g, "")];
      if (name) this.say(name, ["", message]);
    }
  }

  const VARIABLES = {
    colorPrimary: "primary", colorText: "text", colorBackground: "background", colorDanger: "danger",
    fontFamily: "font", borderRadius: "radius", spacingUnit: "unit",
  };

  class Elements {
    constructor(options) {
      this.options = options;
      this.sheet = new CSSStyleSheet();
      this.payment = null;
      this.update(options);
    }

    create(type) {
      if (type !== "payment") throw new Error(`IntegrationError: The sandbox has no ${type} element, only "payment".`);
      if (this.payment) throw new Error("IntegrationError: Can only create one Element of type payment.");
      return (this.payment = new PaymentElement(this));
    }

    getElement(type) { return type === "payment" ? this.payment : null; }
    forget() { this.payment = null; }
    fetchUpdates() { return Promise.resolve({}); }

    update(options = {}) {
      this.options = { ...this.options, ...options };
      const { variables = {}, theme = "stripe" } = this.options.appearance || {};
      this.sheet.replaceSync(".root.root.root {}");
      const style = this.sheet.cssRules[0].style;
      let colours = false;
      for (const [name, value] of Object.entries(variables)) {
        if (!VARIABLES[name]) continue;
        colours ||= name.startsWith("color");
        style.setProperty(`--${name.startsWith("color") ? "given-" : ""}${VARIABLES[name]}`, value);
      }
      this.scheme = [theme === "night" ? "night" : colours ? "" : "auto", colours ? "given" : ""].join(" ");
      this.payment?.dress();
    }

    async submit() {
      const error = this.payment?.validate();
      return error ? { error } : { selectedPaymentMethod: "card" };
    }
  }

  // The API --------------------------------------------------------------------------------------

  function encoded(value, name, into = new URLSearchParams()) {
    if (value === undefined || value === null) return into;
    if (typeof value !== "object") into.append(name, value);
    else for (const [key, item] of Object.entries(value)) encoded(item, name ? `${name}[${key}]` : key, into);
    return into;
  }

  const KINDS = {
    payment: { path: "payment_intents", field: "payment_intent", result: "paymentIntent" },
    setup: { path: "setup_intents", field: "setup_intent", result: "setupIntent" },
  };
  const kindOf = (clientSecret) => (clientSecret.startsWith("seti_") ? KINDS.setup : KINDS.payment);

  class StripeSandbox {
    constructor(publishableKey, { apiBase } = {}) {
      if (!publishableKey) throw new Error("IntegrationError: Please call Stripe() with your publishable key.");
      this.key = publishableKey;
      this.api = new URL("v1/", apiBase ? new URL(apiBase.replace(/\/?$/, "/"), location.href) : BASE);
    }

    elements(options = {}) { return new Elements(options); }

    confirmPayment(options) { return this.confirm(KINDS.payment, options); }
    confirmSetup(options) { return this.confirm(KINDS.setup, options); }
    retrievePaymentIntent(clientSecret) { return this.retrieve(KINDS.payment, clientSecret); }
    retrieveSetupIntent(clientSecret) { return this.retrieve(KINDS.setup, clientSecret); }

    async handleNextAction({ clientSecret }) {
      const kind = kindOf(clientSecret);
      const found = await this.retrieve(kind, clientSecret);
      return found.error ? found : this.act(kind, found[kind.result]);
    }

    async confirm(kind, { elements, clientSecret, confirmParams = {}, redirect = "always" }) {
      const secret = clientSecret || elements?.options.clientSecret;
      if (!secret) throw new Error("IntegrationError: A client secret is needed to confirm.");
      if (!confirmParams.return_url && redirect !== "if_required") {
        throw new Error("IntegrationError: confirmParams.return_url is required unless redirect is 'if_required'.");
      }
      const payment = elements?.getElement("payment");
      const invalid = payment?.validate();
      if (invalid) return { error: invalid };
      const params = { ...confirmParams, client_secret: secret, use_stripe_sdk: true };
      if (payment) params.payment_method_data = { ...confirmParams.payment_method_data, type: "card", card: payment.card() };
      const answer = await this.call("POST", `${kind.path}/${secret.split("_secret_")[0]}/confirm`, params);
      const result = answer.error ? answer : await this.act(kind, answer);
      if (result.error) { payment?.blame(result.error); return result; }
      return redirect === "if_required" ? result : this.leave(kind, result[kind.result], confirmParams.return_url);
    }

    async retrieve(kind, clientSecret) {
      const id = clientSecret.split("_secret_")[0];
      const answer = await this.call("GET", `${kind.path}/${id}`, { client_secret: clientSecret });
      return answer.error ? answer : { [kind.result]: answer };
    }

    // What the intent waits for: a challenge in a dialog, or a page of its own.
    async act(kind, intent) {
      const action = intent.status === "requires_action" ? intent.next_action : null;
      if (!action) return { [kind.result]: intent };
      if (action.type === "redirect_to_url") return this.go(action.redirect_to_url.url);
      // Built from where this script came from: behind a proxy the API may know itself by another name.
      await challenge(new URL(`../3ds/${action.use_stripe_sdk.source}`, this.api));
      const found = await this.retrieve(kind, intent.client_secret);
      const after = found[kind.result];
      const refused = after?.last_payment_error || after?.last_setup_error;
      return after?.status === "requires_payment_method" && refused ? { error: { ...refused, [kind.field]: after } } : found;
    }

    leave(kind, intent, returnUrl) {
      const url = new URL(returnUrl, location.href);
      const status = { succeeded: "succeeded", requires_capture: "succeeded", processing: "pending" }[intent.status] || "failed";
      url.searchParams.set(kind.field, intent.id);
      url.searchParams.set(`${kind.field}_client_secret`, intent.client_secret);
      url.searchParams.set("redirect_status", status);
      return this.go(url);
    }

    // The page is going away, so the promise stays open, as Stripe's does.
    go(url) {
      location.assign(url);
      return new Promise(() => {});
    }

    async call(method, path, params) {
      const url = new URL(path, this.api);
      const form = encoded(params);
      if (method === "GET") url.search = form;
      try {
        const headers = { Authorization: `Bearer ${this.key}` };
        const response = await fetch(url, { method, headers, body: method === "GET" ? undefined : form });
        return await response.json();
      } catch {
        const message = "We could not reach the payment service. Check your connection and try again.";
        return { error: { type: "api_connection_error", message } };
      }
    }
  }

  // 3-D Secure -----------------------------------------------------------------------------------

  // Resolves once the buyer has answered; giving up counts as a failed authentication.
  function challenge(url) {
    return new Promise((resolve) => {
      const framed = new URL(url);
      framed.searchParams.set("frame", "1");
      const frame = element("iframe", { src: framed, title: "3-D Secure authentication" });
      const cancel = element("button", { type: "button" }, "Cancel");
      const dialog = element("dialog", { "aria-label": "3-D Secure authentication" }, element("div", { class: "frame" }, cancel, frame));
      const host = element("div");
      const shadow = host.attachShadow({ mode: "open" });
      shadow.adoptedStyleSheets = [DIALOG_SHEET];
      shadow.append(dialog);
      document.body.append(host);

      const heard = ({ source, data }) => { if (source === frame.contentWindow && data?.sandbox === "challenge-done") finish(); };
      const finish = () => {
        window.removeEventListener("message", heard);
        dialog.close();
        host.remove();
        resolve();
      };
      const giveUp = async (event) => {
        event.preventDefault();
        cancel.disabled = true;
        await fetch(framed, { method: "POST", mode: "no-cors", body: new URLSearchParams({ outcome: "fail" }) }).catch(() => {});
        finish();
      };
      window.addEventListener("message", heard);
      cancel.addEventListener("click", giveUp);
      dialog.addEventListener("cancel", giveUp);
      dialog.showModal();
    });
  }

  window.Stripe = (publishableKey, options) => new StripeSandbox(publishableKey, options);
  window.Stripe.version = "sandbox";
})();
