// What can be known of a card from what is typed: brand, grouping, completeness. Pure; touches no page.
// States: {empty, complete, code} where code names what is wrong, in Stripe's words for it.

const brands = [
  { name: "visa", label: "Visa", starts: /^4/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
  { name: "mastercard", label: "Mastercard", starts: /^(5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720))/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
  { name: "amex", label: "Amex", starts: /^3[47]/, lengths: [15], groups: [4, 6, 5], cvc: 4 },
  { name: "discover", label: "Discover", starts: /^(6011|64[4-9]|65)/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
  { name: "diners", label: "Diners", starts: /^3(0[0-5]|[689])/, lengths: [14, 16], groups: [4, 6, 6], cvc: 3 },
  { name: "jcb", label: "JCB", starts: /^35/, lengths: [16], groups: [4, 4, 4, 4], cvc: 3 },
  { name: "unionpay", label: "UnionPay", starts: /^(62|81)/, lengths: [16, 19], groups: [4, 4, 4, 4, 3], cvc: 3 },
];
const unknown = { name: "unknown", label: "", lengths: [16], groups: [4, 4, 4, 4], cvc: 4 };

export const digitsOf = (text) => text.replace(/\D/g, "");

export const brandOf = (digits) => brands.find((b) => b.starts.test(digits)) ?? unknown;

export const groupNumber = (digits) => {
  const { groups, lengths } = brandOf(digits);
  let rest = digits.slice(0, Math.max(...lengths));
  const parts = [];
  for (const size of groups) {
    if (rest === "") break;
    parts.push(rest.slice(0, size));
    rest = rest.slice(size);
  }
  return parts.join(" ");
};

const luhn = (digits) => {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    let d = Number(digits[digits.length - 1 - i]);
    if (i % 2 === 1 && (d *= 2) > 9) d -= 9;
    sum += d;
  }
  return sum % 10 === 0;
};

export const numberState = (text) => {
  const digits = digitsOf(text);
  const { lengths } = brandOf(digits);
  if (!lengths.includes(digits.length)) return { empty: digits === "", complete: false, code: "incomplete_number" };
  if (!luhn(digits)) return { empty: false, complete: false, code: "invalid_number" };
  return { empty: false, complete: true };
};

// formatExpiry shapes what is typed or pasted ("1234", "12/34", "12/2034", "3/34") as "MM / YY".
export const formatExpiry = (text, deleting) => {
  const typed = text.match(/^\s*(\d{1,2})\s*[/\-. ]\s*(\d*)/);
  let month, year;
  if (typed) {
    [, month, year] = typed;
    month = month.padStart(2, "0");
  } else {
    const digits = digitsOf(text);
    const short = /^([2-9]|1[3-9])/.test(digits); // cannot be a month of two digits
    month = short ? `0${digits[0]}` : digits.slice(0, 2);
    year = digits.slice(short ? 1 : 2);
  }
  if (/^20\d\d$/.test(year)) year = year.slice(2);
  else if (!/^20\d?$/.test(year) || !typed) year = year.slice(0, 2);
  if (month.length < 2 || (year === "" && deleting)) return month;
  return `${month} / ${year}`;
};

export const expiryParts = (text) => {
  const [month = "", year = ""] = text.split("/").map(digitsOf);
  return { month, year: year.length === 2 ? `20${year}` : year };
};

// expiryState compares with today: Stripe.js refuses a past date before it asks the API.
export const expiryState = (text, today) => {
  const { month, year } = expiryParts(text);
  const [m, y] = [Number(month), Number(year)];
  if (month.length < 2 || year.length < 4) return { empty: text === "", complete: false, code: "incomplete_expiry" };
  const wrong = (code) => ({ empty: false, complete: false, code });
  if (m < 1 || m > 12) return wrong("invalid_expiry_month");
  if (y < today.getFullYear()) return wrong("invalid_expiry_year_past");
  if (y === today.getFullYear() && m < today.getMonth() + 1) return wrong("invalid_expiry_month_past");
  if (y > today.getFullYear() + 50) return wrong("invalid_expiry_year");
  return { empty: false, complete: true };
};

export const cvcState = (text, numberDigits) => {
  const brand = brandOf(numberDigits);
  const complete = brand === unknown ? text.length >= 3 : text.length === brand.cvc;
  return complete ? { empty: false, complete } : { empty: text === "", complete, code: "incomplete_cvc" };
};

export const postalState = (text) => {
  const complete = text.trim().length >= 3;
  return complete ? { empty: false, complete } : { empty: text === "", complete, code: "incomplete_zip" };
};
