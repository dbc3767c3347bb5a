// Styles of the page for the fields, within what Stripe's Appearance API allows: its variables, and rules for its classes.
// Everything goes through the CSSOM, so a value cannot break out of its property, and the frame's policy loads nothing.
// https://docs.stripe.com/elements/appearance-api

const selector = /^\.(Input|Label|Error)(--(invalid|empty))?(:(hover|focus|focus-visible|disabled|autofill))*(::(placeholder|selection))?$/;
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`).replace(/^webkit-/, "-webkit-");

const sheet = new CSSStyleSheet();
document.adoptedStyleSheets = [sheet];
let setVariables = [];

// addRule puts a rule into its layer of frame.css: a plain class below the theme's states, a state above them.
const addRule = (name, properties) => {
  const layer = /--|:/.test(name) ? "page-state" : "page";
  const block = sheet.cssRules[sheet.insertRule(`@layer ${layer} {}`, sheet.cssRules.length)];
  const rule = block.cssRules[block.insertRule(`${name} {}`)];
  for (const [property, value] of Object.entries(properties)) rule.style.setProperty(kebab(property), String(value));
};

// The Style object of Card Elements in terms of rules: https://docs.stripe.com/js/appendix/style
const rulesOf = (style = {}) => {
  const rules = {};
  for (const [state, variant] of Object.entries(style)) {
    const name = { base: ".Input", invalid: ".Input--invalid", empty: ".Input--empty" }[state];
    if (!name) continue;
    for (const [property, value] of Object.entries(variant)) {
      if (property.startsWith(":")) rules[name + property.replace(":-webkit-autofill", ":autofill")] = value;
      else (rules[name] ??= {})[property] = value;
    }
  }
  return rules;
};

export const styleFrame = ({ appearance = {}, style }) => {
  const root = document.documentElement;
  root.dataset.theme = appearance.theme ?? "stripe";
  for (const name of setVariables) root.style.removeProperty(name);
  setVariables = Object.keys(appearance.variables ?? {}).filter((name) => /^[A-Za-z0-9]+$/.test(name)).map((name) => `--${name}`);
  for (const name of setVariables) root.style.setProperty(name, String(appearance.variables[name.slice(2)]));
  sheet.replaceSync("");
  for (const [name, properties] of Object.entries(appearance.rules ?? rulesOf(style))) {
    if (selector.test(name)) addRule(name, properties);
  }
};
