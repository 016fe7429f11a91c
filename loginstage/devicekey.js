// Mooring: binds the session of this browser to a key that cannot leave it, and proves
// the key when asked: <script src="/mooring/device-key.js" defer></script>
(() => {
  'use strict';
  const script = document.currentScript;
  const send = window.fetch.bind(window);
  const bytes = (text) => new TextEncoder().encode(text);
  const encode = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/[+/=]/g, (c) => ({ '+': '-', '/': '_' })[c] ?? '');
  const wait = (ms) => new Promise((done) => setTimeout(done, ms));

  // The keys of this origin, by the handle of the session: { handle, at, jwk, pair }.
  const store = (mode, step) => new Promise((resolve, reject) => {
    const open = indexedDB.open('mooring', 1);
    open.onupgradeneeded = () => open.result.createObjectStore('keys', { keyPath: 'handle' });
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const transaction = open.result.transaction('keys', mode);
      const keys = transaction.objectStore('keys');
      const all = keys.getAll();
      all.onsuccess = () => step?.(keys, all.result);
      transaction.oncomplete = () => { open.result.close(); resolve(all.result); };
      transaction.onabort = () => { open.result.close(); reject(transaction.error); };
    };
  });
  const find = async (handle) => (await store('readonly')).find((key) => key.handle === handle);

  // make returns the one key of the session: of tabs that make one at once, the first
  // to keep it wins. A browser may have several accounts.
  const make = async (handle) => {
    const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    const { crv, kty, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    await store('readwrite', (keys, all) => {
      if (all.some((key) => key.handle === handle)) return;
      all.sort((a, b) => b.at - a.at).slice(15).forEach((key) => keys.delete(key.handle));
      keys.add({ handle, at: Date.now(), jwk: { crv, kty, x, y }, pair });
    });
    return find(handle);
  };

  // sign returns a signature (RFC 7515).
  const sign = async ({ pair }, challenge, header) => {
    const part = (value) => encode(bytes(JSON.stringify(value)));
    const input = part({ alg: 'ES256', typ: 'mooring-page+jwt', ...header }) + '.' + part({ jti: challenge });
    return input + '.' + encode(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, bytes(input)));
  };

  // call asks an endpoint beside this script, and keeps what the server says of the
  // session.
  let state = {};
  let holdsUntil = 0; // by performance.now()
  const call = async (path, body) => {
    const response = await send(new URL(path, script.src), {
      method: body ? 'POST' : 'GET', body: body && JSON.stringify(body),
    });
    if (response.status === 200) {
      state = await response.json();
      holdsUntil = state.seconds ? performance.now() + state.seconds * 1000 : 0;
      schedule();
    }
    return response.status;
  };

  // prove returns true; false where this browser cannot prove the session's key; and
  // undefined where the server cannot tell. Requests that ask at once share a proof.
  let proving;
  const prove = (challenge, handle) => proving ??= (async () => {
    try {
      for (let tries = 0; tries < 2; tries++) {
        if (!challenge) {
          if (await call('page/state') >= 500) return undefined;
          ({ prove: challenge, handle } = state);
        }
        const key = challenge && await find(handle);
        if (!key) return false;
        const status = await call('page/prove', { proof: await sign(key, challenge) });
        if (status === 200) return true;
        if (status >= 500) return undefined;
        challenge = ''; // it was too old, in a page from the history
      }
      return false;
    } catch (e) {
      return e instanceof TypeError ? undefined : false; // no network, or no storage
    } finally { proving = undefined; }
  })();

  // A page that is looked at proves again before the last proof is over.
  let timer;
  const stale = () => state.kind === 'page' && holdsUntil && performance.now() > holdsUntil - 1000;
  const schedule = () => {
    clearTimeout(timer);
    if (state.kind !== 'page' || !holdsUntil) return;
    timer = setTimeout(() => { if (!document.hidden) prove(); }, Math.max(state.seconds * 750, state.seconds * 1000 - 30000));
  };
  document.addEventListener('visibilitychange', () => { if (!document.hidden && stale()) prove(); });

  // fetch: an answer that asks for a proof gets one, and the request is repeated.
  const here = (url) => new URL(url, document.baseURI).origin === location.origin;
  window.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (!here(request.url)) return send(request);
    if (stale() && !request.keepalive) await prove();
    const again = request.clone();
    const response = await send(request);
    const challenge = response.status === 401 && response.headers.get('Mooring-Challenge');
    return challenge && await prove(challenge, response.headers.get('Mooring-Handle')) ? send(again) : response;
  };

  // Forms: a body that the server cannot have sent again waits for a proof, and so does
  // any after the last proof is over.
  const ready = new WeakMap(); // by form: it waits for a proof, or need not
  window.addEventListener('submit', (event) => {
    const { target: form, submitter } = event;
    const said = (name) => (submitter?.getAttribute('form' + name) ?? form.getAttribute(name) ?? '').toLowerCase();
    if (ready.get(form)) return void ready.delete(form);
    if (state.kind !== 'page' || said('method') !== 'post' || !here(said('action'))) return;
    if (!stale() && said('enctype') !== 'multipart/form-data') return;
    event.preventDefault();
    event.stopImmediatePropagation(); // the page's own handlers see the second one
    if (ready.has(form)) return;
    ready.set(form, false);
    prove().finally(() => {
      ready.set(form, true);
      HTMLFormElement.prototype.requestSubmit.call(form, submitter);
    });
  }, true);

  // The page that the server answers with where it wants a proof first: prove, and go
  // on. A browser that cannot says so, and signs in; so does one that is asked again
  // and again.
  const wanted = script.dataset;
  const kept = (name) => (sessionStorage.getItem(name) ?? '').split(' ');
  const goOn = async () => {
    let proved = false;
    try {
      const asked = kept('mooring-asked').filter((at) => at > Date.now() - 60000);
      sessionStorage.setItem('mooring-asked', [...asked, Date.now()].join(' '));
      if (asked.length < 10) proved = await Promise.race([prove(wanted.challenge, wanted.handle), wait(10000)]);
    } catch { /* no storage, no key */ }
    if (proved === undefined) await wait(1000);
    const form = document.getElementById(proved === false ? 'give-up' : 'again');
    if (form) HTMLFormElement.prototype.submit.call(form); else location.reload();
  };

  // A browser with device-bound sessions registers by itself a moment after the sign-in.
  // Those alone have userAgentData.
  const start = async () => {
    if (wanted.challenge) return goOn();
    const offered = async () => await call('page/state') === 200 && !state.kind && state.register;
    if (!await offered()) return;
    if (navigator.userAgentData) {
      const [of, at] = kept('mooring-offered');
      const since = of === state.register ? at : Date.now();
      sessionStorage.setItem('mooring-offered', state.register + ' ' + since);
      await wait(since - Date.now() + 1500);
      if (!await offered()) return;
    }
    const key = await make(state.handle);
    const proof = await sign(key, state.register, { jwk: key.jwk });
    if (await call('page/register', { proof }) !== 200) await call('page/state'); // another tab was
  };
  start().catch(() => {}); // a browser that refuses storage has no key
})();
