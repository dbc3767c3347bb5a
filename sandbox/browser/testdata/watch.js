// Keeps what the page could see, for the test to look at: messages, events, policy violations, failures.
window.seen = { messages: [], events: [], violations: [], errors: [] };
addEventListener("message", (event) => seen.messages.push(JSON.stringify(event.data)));
addEventListener("securitypolicyviolation", (event) => seen.violations.push(`${event.violatedDirective} ${event.blockedURI}`));
addEventListener("error", (event) => seen.errors.push(event.message));
addEventListener("unhandledrejection", (event) => seen.errors.push(String(event.reason)));
