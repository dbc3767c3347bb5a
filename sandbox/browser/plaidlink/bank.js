// The bank's own page of an OAuth login: asks for consent and sends the customer home to the redirect URI.
const state = new URLSearchParams(location.search).get("oauth_state_id") ?? "";
const find = (name) => document.getElementById(name);

const enable = (on) => {
  for (const name of ["allow", "deny"]) find(name).disabled = !on;
};

const ask = async (answer) => {
  const response = await fetch("/js/plaid-link/answer", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ oauth_state_id: state, answer }),
  });
  const body = await response.json();
  if (body.error_code) throw new Error(body.error_message);
  return body;
};

// carefully says on the page what went wrong.
const carefully = async (step) => {
  try {
    await step();
  } catch (error) {
    find("message").textContent = error.message;
    find("message").hidden = false;
  }
};

const decide = (answer) => carefully(async () => {
  enable(false);
  const { return_to: home } = await ask(answer);
  location.replace(home);
});

find("allow").addEventListener("click", () => decide("allow"));
find("deny").addEventListener("click", () => decide("deny"));

carefully(async () => {
  const { client_name: client, institution } = await ask("");
  find("bank").textContent = institution.name;
  find("mark").textContent = institution.name.split(" ").slice(0, 2).map((word) => word[0]).join("");
  find("who").textContent = `${client} wants to see an account of yours, to take the payments you agree to.`;
  find("who").hidden = false;
  enable(true);
  find("allow").focus();
});
