// Element is one set of fields in a frame, and its events. Members that begin with _ are for the files beside this one.
class Element {
  #handlers = new Map();
  #calls = new Map();
  #lastCall = 0;
  #node = null;
  #frame = null;
  #id;
  #ready; // settles when the frame can be asked
  #settle;
  #heard;
  #state;
  #destroyed = false;

  constructor(group, type, options) {
    this._group = group;
    this._type = type;
    this._options = { ...options };
    window.addEventListener("message", this.#receive);
  }

  mount(target) {
    this.#alive();
    const node = typeof target === "string" ? document.querySelector(target) : target;
    if (typeof target === "string" && !node) {
      throw new IntegrationError(`The selector you specified (${target}) applies to no DOM elements that are currently on the page. Make sure the element exists on the page before calling mount().`);
    }
    if (!(node instanceof HTMLElement)) throw new IntegrationError("Invalid DOM element. Call mount() with a valid DOM element or selector.");
    if (this.#node === node) return;
    if (this.#node) this.unmount();
    if (node.hasChildNodes()) console.warn("[Stripe.js] This Element will be mounted to a DOM element that contains child nodes.");
    this.#node = node;
    this.#frame = this.#newFrame();
    node.replaceChildren(this.#frame);
    this.#mark();
    this.#emit("loaderstart");
  }

  unmount() {
    this.#alive();
    if (!this.#node) return;
    this.#frame.remove();
    for (const name of ["", "--empty", "--complete", "--focus", "--invalid"]) this.#node.classList.remove(`StripeElement${name}`);
    this.#node = this.#frame = null;
    this.#settle.reject(this.#gone());
    for (const { reject } of this.#calls.values()) reject(this.#gone());
    this.#calls.clear();
  }

  destroy() {
    this.unmount();
    this.#destroyed = true;
    window.removeEventListener("message", this.#receive);
    this._group._forget(this._type);
  }

  update(options) {
    this.#alive();
    Object.assign(this._options, options);
    this._refresh();
    return this;
  }

  focus() { this.#tell("focus"); }
  blur() { this.#tell("blur"); }
  clear() { this.#tell("clear"); }

  on(event, handler) { return this.#listen(event, handler, false); }
  once(event, handler) { return this.#listen(event, handler, true); }
  off(event, handler) {
    this.#handlers.set(event, handler ? (this.#handlers.get(event) ?? []).filter((h) => h.handler !== handler) : []);
    return this;
  }

  get _mounted() { return this.#frame !== null; }

  get _frameName() { return this.#frame?.name; }

  // _refresh passes changed options on to the frame.
  _refresh() { this.#tell("update", { settings: this.#settings() }); }

  // _ask sends the frame a question and resolves with its answer.
  async _ask(type, payload) {
    this.#alive();
    if (!this.#frame) throw this.#gone();
    await this.#ready;
    const call = ++this.#lastCall;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
      this.#post(type, { ...payload, call });
    });
  }

  #newFrame() {
    this.#id = randomID();
    this.#heard = false;
    this.#state = { empty: true, complete: false };
    this.#ready = new Promise((resolve, reject) => { this.#settle = { resolve, reject }; });
    this.#ready.catch(() => {}); // whoever asks hears of it, and loaderror tells

    const frame = document.createElement("iframe");
    frame.name = `__privateStripeFrame${this.#id}`;
    frame.title = "Secure payment input frame";
    frame.src = `${base}/js/elements/${this._type}#${new URLSearchParams({ id: this.#id, parent: location.origin })}`;
    // The frame's script says hello before the load event, unless the page did not come.
    frame.addEventListener("load", () => setTimeout(() => {
      if (frame !== this.#frame || this.#heard) return;
      this.#settle.reject(this.#gone());
      this.#emit("loaderror", { error: connectionError() });
    }, 1000));
    // 4px beyond the container on every side leave room for focus rings inside the frame.
    Object.assign(frame.style, {
      border: "0", display: "block", margin: "-4px", padding: "0", width: "calc(100% + 8px)", minWidth: "calc(100% + 8px)",
      height: "1px", overflow: "hidden", background: "transparent", colorScheme: "light",
    });
    return frame;
  }

  #settings() {
    const { appearance, locale } = this._group._options;
    return { appearance, locale, element: this._options };
  }

  #listen(event, handler, once) {
    if (typeof handler !== "function") throw new IntegrationError(`Invalid value for on(): handler should be a function. You specified: ${handler}.`);
    this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), { handler, once }]);
    return this;
  }

  #emit(event, detail) {
    const handlers = this.#handlers.get(event) ?? [];
    this.#handlers.set(event, handlers.filter((h) => !h.once));
    for (const { handler } of handlers) queueMicrotask(() => handler({ elementType: this._type, ...detail }));
  }

  #tell(type, payload) {
    this.#alive();
    if (this.#frame) this.#ready.then(() => this.#post(type, payload), () => {});
  }

  #post(type, payload) { this.#frame?.contentWindow.postMessage({ ...payload, type, id: this.#id }, base); }

  #receive = ({ source, origin, data }) => {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== base || data?.id !== this.#id) return;
    switch (data.type) {
      case "hello":
        this.#heard = true;
        this.#post("init", { settings: this.#settings() });
        return;
      case "height":
        this.#frame.style.height = `${data.height}px`;
        return;
      case "answer":
        this.#calls.get(data.call)?.resolve(data.answer);
        this.#calls.delete(data.call);
        return;
      case "ready":
        this.#settle.resolve();
        break;
      case "change":
        this.#state = data.detail;
        break;
      case "focus":
      case "blur":
        this.#node.classList.toggle("StripeElement--focus", data.type === "focus");
        break;
    }
    this.#mark();
    this.#emit(data.type, data.detail);
  };

  // #mark keeps the classes on the container that pages style fields by.
  #mark() {
    const list = this.#node.classList;
    list.add("StripeElement");
    list.toggle("StripeElement--empty", this.#state.empty);
    list.toggle("StripeElement--complete", this.#state.complete);
    list.toggle("StripeElement--invalid", Boolean(this.#state.error));
  }

  #alive() {
    if (this.#destroyed) throw new IntegrationError("This Element has already been destroyed. Please create a new one.");
  }

  #gone() {
    return new IntegrationError("We could not retrieve data from the specified Element. Please make sure the Element you are attempting to use is still mounted.");
  }
}
