const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
window.appearance = () => ({
  theme: "flat",
  variables: {
    colorPrimary: token("accent-fill"), colorBackground: token("surface"), colorText: token("ink"), colorTextSecondary: token("ink2"),
    colorTextPlaceholder: token("ink3"), colorDanger: token("bad"), fontFamily: "system-ui, sans-serif", fontSizeBase: "16px",
    borderRadius: "10px", spacingUnit: "4px",
  },
  rules: {
    ".Input": { border: `1px solid ${token("edge")}`, boxShadow: "none" },
    ".Input:focus": { border: `1px solid ${token("accent")}`, boxShadow: `0 0 0 1px ${token("accent")}` },
    ".Label": { fontWeight: "600", fontSize: "14px" },
  },
});

window.stripe = Stripe("PUBLISHABLE_KEY");
window.open = (options, elementOptions, type = "payment") => {
  window.elements = stripe.elements(options);
  window.element = elements.create(type, elementOptions);
  for (const name of ["loaderstart", "ready", "change", "focus", "blur", "escape", "loaderror"]) {
    element.on(name, (event) => seen.events.push({ name, ...event }));
  }
  element.mount("#card");
};
window.deferred = { mode: "payment", amount: 77175, currency: "usd", paymentMethodTypes: ["card"], captureMethod: "automatic" };
window.happened = (name) => seen.events.some((event) => event.name === name);

// outcome gives what a promise did in a form that can leave the page.
window.outcome = async (promise) => {
  try {
    return await promise;
  } catch (error) {
    return { threw: error.name, message: error.message };
  }
};
