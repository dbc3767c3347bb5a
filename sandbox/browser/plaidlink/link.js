// A stand-in for Plaid Link with the interface of https://plaid.com/docs/link/web/. What the customer does happens in a
// frame of the origin this script came from; the page hears of it through its callbacks alone. Styles are set through the
// CSSOM only, so a page without style-src 'unsafe-inline' can embed it.
(() => {
  "use strict";

  const base = new URL(document.currentScript.src).origin;
  const randomID = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");

  const oauthState = (uri) => {
    const state = new URL(uri).searchParams.get("oauth_state_id");
    if (!state) throw new Error("Invalid Link parameter: receivedRedirectUri has no oauth_state_id.");
    return state;
  };

  // show puts the frame over the window. A modal dialog keeps the focus and gives it back.
  const show = (src, onEscape) => {
    const dialog = document.createElement("dialog");
    dialog.setAttribute("aria-label", "Plaid Link");
    const frame = document.createElement("iframe");
    frame.title = "Plaid Link";
    frame.src = src;
    Object.assign(dialog.style, {
      position: "fixed", inset: "0", width: "100vw", height: "100dvh", maxWidth: "none", maxHeight: "none", margin: "0",
      padding: "0", border: "0", outline: "0", overflow: "hidden", background: "rgba(18, 18, 21, .6)",
    });
    // The frame is see-through only while both sides agree on light or dark.
    Object.assign(frame.style, { display: "block", width: "100%", height: "100%", border: "0", background: "transparent", colorScheme: "light dark" });
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      onEscape();
    });
    dialog.append(frame);
    document.body.append(dialog);
    dialog.showModal();
    frame.focus();
    return { dialog, frame };
  };

  const create = (config) => {
    if (!config?.token) throw new Error("Missing Link parameter. Link requires a key or token to be provided.");
    if (typeof config.onSuccess !== "function") throw new Error("Invalid Link parameter: onSuccess must be a function.");
    const query = new URLSearchParams({ token: config.token });
    if (config.receivedRedirectUri) query.set("oauth_state_id", oauthState(config.receivedRedirectUri));

    const id = randomID();
    let shown = null;
    let heard = false; // from the frame
    let destroyed = false;

    const close = () => {
      window.removeEventListener("message", receive);
      shown?.dialog.close();
      shown?.dialog.remove();
      shown = null;
    };
    const tell = (message) => shown.frame.contentWindow.postMessage({ id, ...message }, base);
    const exit = ({ force = false } = {}) => {
      if (!shown) return;
      if (heard && !force) return tell({ type: "exit" });
      if (heard) return tell({ type: "exit", force });
      close(); // the frame never came
      config.onExit?.(null, { institution: null, status: null, link_session_id: "", request_id: "" });
    };
    const receive = ({ source, origin, data }) => {
      if (!shown || source !== shown.frame.contentWindow || origin !== base || data?.id !== id) return;
      heard = true;
      switch (data.type) {
        case "event":
          config.onEvent?.(data.name, data.metadata);
          break;
        case "success":
          close();
          config.onSuccess(data.publicToken, data.metadata);
          break;
        case "exit":
          close();
          config.onExit?.(data.error, data.metadata);
          break;
        case "leave":
          if (new URL(data.url).origin === base) location.assign(data.url);
      }
    };
    const open = () => {
      if (shown || destroyed) return;
      heard = false;
      window.addEventListener("message", receive);
      // After the #, so that the token is in no server's log.
      shown = show(`${base}/js/plaid-link/frame#${query}&${new URLSearchParams({ id, parent: location.origin })}`, exit);
    };
    const destroy = () => {
      destroyed = true;
      close();
    };
    setTimeout(() => destroyed || config.onLoad?.());
    return Object.freeze({ open, exit, destroy, submit() {} }); // submit is for phone numbers, which nobody asks for here
  };

  window.Plaid = Object.freeze({ create });
})();
