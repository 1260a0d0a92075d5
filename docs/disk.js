/* Search from the disk: browsers start no worker on a page that is a file, so its script runs in a hidden frame. */
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(script) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      document.body.appendChild(frame);
      const inside = frame.contentWindow;
      const heard = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        if (this.onmessage) this.onmessage(event);
      };
      inside.postMessage = heard;
      inside.importScripts = (...more) => Promise.all(more.map((one) => this.add(frame, one)));
      this.ready = this.add(frame, script);
      this.inside = inside;
    }
    add(frame, source) {
      return new Promise((done) => {
        const script = frame.contentDocument.createElement("script");
        script.src = new URL(source, location.href).href;
        script.onload = done;
        frame.contentDocument.body.appendChild(script);
      });
    }
    postMessage(data) {
      this.ready.then(() => {
        const event = new this.inside.MessageEvent("message", { data });
        this.inside.dispatchEvent(event);
      });
    }
    terminate() {}
  };
}
