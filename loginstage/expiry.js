// Tells a page before its session ends, and when it has. See UserLogin.Expiry.
(() => {
  "use strict";
  const script = document.currentScript;
  const url = script.dataset.url || script.src.replace(/\.js($|[?#].*)/, "");
  const before = Number(script.dataset.before) || 120;
  const longest = 24 * 60 * 60; // seconds; setTimeout takes no more than 24 days
  let timer = 0;
  let signedIn = false;
  let warned = false;

  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(name, {detail}));
  const again = (seconds) => {
    clearTimeout(timer);
    timer = setTimeout(ask, Math.min(Math.max(seconds, 1), longest) * 1000);
  };

  const ask = async () => {
    let answer;
    try {
      const response = await fetch(url, {cache: "no-store", headers: {Accept: "application/json"}});
      if (!response.ok) throw new Error(String(response.status));
      answer = await response.json();
    } catch {
      again(30); // nobody knows; the page stays as it is
      return;
    }
    if (!answer.signed_in) {
      if (signedIn) tell("mooring:ended", {resume: answer.resume || 0});
      signedIn = warned = false;
      clearTimeout(timer);
      return;
    }
    signedIn = true;
    if (answer.seconds > before) {
      if (warned) tell("mooring:renewed", {seconds: answer.seconds});
      warned = false;
      again(answer.seconds - before);
      return;
    }
    warned = true;
    tell("mooring:ending", {seconds: answer.seconds, renewed: answer.renewed});
    again(Math.min(answer.seconds + 1, 15)); // another tab may use the session meanwhile
  };

  document.addEventListener("visibilitychange", () => { if (!document.hidden) ask(); });
  addEventListener("pageshow", (event) => { if (event.persisted) ask(); });
  ask();
})();
