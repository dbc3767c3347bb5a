// The words of the card fields in the languages Paylink speaks; any other locale reads English, as Stripe.js
// falls back.
const en = {
  number: "Card number", expiry: "Expires", cvc: "Security code", postal: "ZIP code",
  numberExample: "1234 1234 1234 1234", expiryExample: "MM / YY", cvcExample: "CVC", postalExample: "12345",
  incomplete_number: "Your card number is incomplete.",
  invalid_number: "Your card number is invalid.",
  incomplete_expiry: "Your card’s expiration date is incomplete.",
  invalid_expiry_month: "Your card’s expiration date is invalid.",
  invalid_expiry_month_past: "Your card’s expiration date is in the past.",
  invalid_expiry_year_past: "Your card’s expiration year is in the past.",
  invalid_expiry_year: "Your card’s expiration year is invalid.",
  incomplete_cvc: "Your card’s security code is incomplete.",
  incomplete_zip: "Your postal code is incomplete.",
};

const de = {
  number: "Kartennummer", expiry: "Ablaufdatum", cvc: "Sicherheitscode", postal: "Postleitzahl",
  numberExample: "1234 1234 1234 1234", expiryExample: "MM / JJ", cvcExample: "CVC", postalExample: "12345",
  incomplete_number: "Ihre Kartennummer ist unvollständig.",
  invalid_number: "Ihre Kartennummer ist ungültig.",
  incomplete_expiry: "Das Ablaufdatum Ihrer Karte ist unvollständig.",
  invalid_expiry_month: "Das Ablaufdatum Ihrer Karte ist ungültig.",
  invalid_expiry_month_past: "Das Ablaufdatum Ihrer Karte liegt in der Vergangenheit.",
  invalid_expiry_year_past: "Das Ablaufjahr Ihrer Karte liegt in der Vergangenheit.",
  invalid_expiry_year: "Das Ablaufjahr Ihrer Karte ist ungültig.",
  incomplete_cvc: "Der Sicherheitscode Ihrer Karte ist unvollständig.",
  incomplete_zip: "Ihre Postleitzahl ist unvollständig.",
};

const es = {
  number: "Número de tarjeta", expiry: "Caducidad", cvc: "Código de seguridad", postal: "Código postal",
  numberExample: "1234 1234 1234 1234", expiryExample: "MM / AA", cvcExample: "CVC", postalExample: "12345",
  incomplete_number: "El número de tu tarjeta está incompleto.",
  invalid_number: "El número de tu tarjeta no es válido.",
  incomplete_expiry: "La fecha de caducidad de tu tarjeta está incompleta.",
  invalid_expiry_month: "La fecha de caducidad de tu tarjeta no es válida.",
  invalid_expiry_month_past: "La fecha de caducidad de tu tarjeta ya pasó.",
  invalid_expiry_year_past: "El año de caducidad de tu tarjeta ya pasó.",
  invalid_expiry_year: "El año de caducidad de tu tarjeta no es válido.",
  incomplete_cvc: "El código de seguridad de tu tarjeta está incompleto.",
  incomplete_zip: "Tu código postal está incompleto.",
};

const fr = {
  number: "Numéro de carte", expiry: "Expiration", cvc: "Code de sécurité", postal: "Code postal",
  numberExample: "1234 1234 1234 1234", expiryExample: "MM / AA", cvcExample: "CVC", postalExample: "12345",
  incomplete_number: "Le numéro de votre carte est incomplet.",
  invalid_number: "Le numéro de votre carte n’est pas valide.",
  incomplete_expiry: "La date d’expiration de votre carte est incomplète.",
  invalid_expiry_month: "La date d’expiration de votre carte n’est pas valide.",
  invalid_expiry_month_past: "La date d’expiration de votre carte est passée.",
  invalid_expiry_year_past: "L’année d’expiration de votre carte est passée.",
  invalid_expiry_year: "L’année d’expiration de votre carte n’est pas valide.",
  incomplete_cvc: "Le code de sécurité de votre carte est incomplet.",
  incomplete_zip: "Votre code postal est incomplet.",
};

const languages = { en, de, es, fr };

// textsFor picks by locale ("de", "de-AT"); "auto" is the browser's language. It also says which was picked.
export const textsFor = (locale) => {
  const wanted = !locale || locale === "auto" ? navigator.language : locale;
  const lang = wanted.slice(0, 2).toLowerCase();
  return lang in languages ? { lang, ...languages[lang] } : { lang: "en", ...en };
};
