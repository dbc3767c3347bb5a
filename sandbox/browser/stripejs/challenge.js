// challenge shows the bank's page (3-D Secure) over the whole window until the customer is done with it. It resolves
// when the PaymentIntent has its answer. Leaving it by Escape or the close button is a failed authentication.
const challenge = (paymentIntent, key) => new Promise((resolve) => {
  const { id, client_secret: clientSecret } = paymentIntent;
  const frameID = randomID();
  const dialog = document.createElement("dialog");
  dialog.setAttribute("aria-label", "Confirm the payment with your bank");
  const frame = document.createElement("iframe");
  frame.name = `__privateStripeFrame${frameID}`;
  frame.title = "Your bank asks you to confirm the payment";
  const query = new URLSearchParams({ payment_intent: id, client_secret: clientSecret });
  frame.src = `${base}/js/3ds?${query}#${new URLSearchParams({ id: frameID, parent: location.origin })}`;
  const close = document.createElement("button");
  close.type = "button";
  close.textContent = "✕";
  close.setAttribute("aria-label", "Close");

  Object.assign(dialog.style, {
    position: "fixed", inset: "0", width: "100vw", height: "100dvh", maxWidth: "none", maxHeight: "none", margin: "0",
    padding: "0", border: "0", background: "rgba(18, 18, 21, .6)", overflow: "hidden", display: "grid", placeItems: "center",
  });
  Object.assign(frame.style, {
    gridArea: "1 / 1", width: "min(440px, calc(100vw - 24px))", height: "min(560px, calc(100dvh - 24px))", border: "0",
    borderRadius: "16px", background: "#fff", boxShadow: "0 24px 64px -12px rgba(0, 0, 0, .5)", colorScheme: "light",
  });
  Object.assign(close.style, {
    gridArea: "1 / 1", placeSelf: "center", translate: "calc(min(440px, 100vw - 24px) / 2 - 30px) calc(-1 * min(560px, 100dvh - 24px) / 2 + 30px)",
    width: "44px", height: "44px", border: "0", borderRadius: "999px", background: "transparent", color: "#55555f", font: "18px system-ui", cursor: "pointer",
  });

  const done = () => {
    window.removeEventListener("message", receive);
    dialog.close(); // gives the focus back
    dialog.remove();
    resolve();
  };
  let left = false;
  const leave = async () => {
    if (left) return;
    left = true;
    await api("POST", `/v1/payment_intents/${id}/sandbox_3ds`, { key, client_secret: clientSecret, outcome: "fail" });
    done();
  };
  const receive = ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== base || data?.id !== frameID) return;
    if (data.type === "done") done();
    if (data.type === "leave") leave();
  };
  window.addEventListener("message", receive);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault();
    leave();
  });
  close.addEventListener("click", leave);
  dialog.append(frame, close);
  document.body.append(dialog);
  dialog.showModal();
  frame.focus();
});
