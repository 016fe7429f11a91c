// Shows new events as they happen. The page is complete without it.
"use strict";

const list = document.getElementById("events");
const live = document.getElementById("live");

function say(text, link, kind = "note") {
  const note = document.createElement("p");
  note.className = kind;
  const a = document.createElement("a");
  a.href = "/";
  a.textContent = link;
  note.append(text, " ", a);
  live.replaceChildren(note);
}

function show(event) {
  if (document.getElementById("event-" + event.id)) return;
  const item = document.getElementById("event").content.cloneNode(true).firstElementChild;
  item.id = "event-" + event.id;
  item.classList.toggle("alarming", event.warning);
  item.querySelector("strong").textContent = event.title;
  item.querySelector("span").textContent = event.detail;
  item.querySelector("time").dateTime = event.time;
  showTime(item.querySelector("time"));
  list.prepend(item);
  say("Just now: " + event.title + ".", "Show the sessions as they are now", event.warning ? "warning" : "note");
}

// A page that is not seen has no stream; when it is seen again it goes on after the
// event that it has shown last.
let stream = null;
let latest = list.dataset.latest;

function connect() {
  if (stream || document.hidden) return;
  stream = new EventSource("/events?after=" + encodeURIComponent(latest));
  stream.addEventListener("happened", (message) => {
    latest = message.lastEventId;
    show(JSON.parse(message.data));
  });
  stream.addEventListener("ended", () => {
    disconnect();
    location.assign("/"); // which says why, and asks to sign in again
  });
  stream.addEventListener("open", () => (refused = false));
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) tryAgain();
  });
}

// A stream that is refused may lack a proof of the device key. The script for device
// keys proves it for a fetch, and not for a stream.
let refused = false;
async function tryAgain() {
  disconnect();
  const first = !refused;
  refused = true;
  if (first && (await fetch("/", { method: "HEAD" }).catch(() => null))?.ok) return connect();
  say("New events are no longer shown as they happen.", "Load the page again");
}

function disconnect() {
  stream?.close();
  stream = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
// A page that is being left must not be loaded again: that would stop the answer
// that is on its way, and with it the cookies that it sets and clears.
window.addEventListener("beforeunload", disconnect);
window.addEventListener("pageshow", connect);
connect();
