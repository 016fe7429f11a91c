// Mooring: binds the session of this browser to a key that cannot leave it, and
// proves the key when the server asks. See docs/device-keys.md.
(() => {
  'use strict';
  const script = document.currentScript;
  const at = (path) => new URL(path, script.src).href;
  const text = new TextEncoder();
  const send = window.fetch.bind(window);

  const encode = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');

  // The keys of this origin, by the handle that the server gave with the session.
  const store = (mode, step) => new Promise((resolve, reject) => {
    const open = indexedDB.open('mooring', 1);
    open.onupgradeneeded = () => open.result.createObjectStore('keys');
    open.onerror = () => reject(open.error);
    open.onsuccess = () => {
      const transaction = open.result.transaction('keys', mode);
      const request = step(transaction.objectStore('keys'));
      transaction.oncomplete = () => { open.result.close(); resolve(request.result); };
      transaction.onabort = transaction.onerror = () => { open.result.close(); reject(transaction.error); };
    };
  });
  const find = (handle) => store('readonly', (keys) => keys.get(handle));

  // make returns the one key for the handle: of tabs that make one at once, the first
  // to keep it wins. The keys of earlier sessions are of no use any more.
  const make = async (handle) => {
    const made = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    await store('readwrite', (keys) => {
      const others = keys.getAllKeys();
      others.onsuccess = () => {
        for (const other of others.result) if (other !== handle) keys.delete(other);
        if (!others.result.includes(handle)) keys.add(made, handle);
      };
      return others;
    });
    return find(handle);
  };

  // sign returns a JSON Web Signature (RFC 7515): WebCrypto signs as ES256 wants it.
  const sign = async (pair, challenge, header) => {
    const part = (value) => encode(text.encode(JSON.stringify(value)));
    const input = part({ alg: 'ES256', typ: 'mooring-page+jwt', ...header }) + '.' + part({ jti: challenge });
    return input + '.' + encode(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, text.encode(input)));
  };

  const post = (path, proof) => send(at(path), {
    method: 'POST', credentials: 'same-origin', cache: 'no-store',
    headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ proof }),
  });

  // What the server says of the session: its handle, the challenges to answer, and
  // for how long the last proof holds.
  let state = {};
  let holdsUntil = 0; // by performance.now(), whatever the clock does
  const learn = async (response) => {
    if (!response.ok) return false;
    state = await response.json();
    holdsUntil = state.seconds ? performance.now() + state.seconds * 1000 : 0;
    schedule();
    return true;
  };
  const ask = async () => learn(await send(at('page/state'), { credentials: 'same-origin', cache: 'no-store' }));

  const register = async () => {
    const pair = await make(state.handle);
    const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', pair.publicKey);
    return learn(await post('page/register', await sign(pair, state.register, { jwk: { kty, crv, x, y } })));
  };

  // prove answers the challenge, or false where this browser has no key for the
  // session. Requests that ask at once share one proof.
  let proving;
  const prove = (challenge, handle) => proving ??= (async () => {
    try {
      if (!challenge) { await ask(); challenge = state.prove; handle = state.handle; }
      const pair = challenge && await find(handle ?? state.handle);
      return Boolean(pair) && await learn(await post('page/prove', await sign(pair, challenge)));
    } catch { return false; } finally { proving = undefined; }
  })();

  // A page that is looked at proves again before the last proof is over.
  let timer;
  const schedule = () => {
    clearTimeout(timer);
    if (state.kind !== 'page' || !holdsUntil) return;
    const lead = Math.min(30000, state.seconds * 250);
    timer = setTimeout(() => { if (document.visibilityState === 'visible') prove(); }, Math.max(1000, holdsUntil - performance.now() - lead));
  };
  const stale = () => state.kind === 'page' && holdsUntil > 0 && performance.now() > holdsUntil - 1000;
  document.addEventListener('visibilitychange', () => { if (document.visibilityState === 'visible' && stale()) prove(); });

  // fetch: an answer that asks for a proof is answered, and the request repeated.
  window.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== location.origin) return send(request);
    const again = request.clone();
    const response = await send(request);
    const challenge = response.status === 401 && response.headers.get('Mooring-Challenge');
    if (!challenge) return response;
    return await prove(challenge, response.headers.get('Mooring-Handle')) ? send(again) : response;
  };

  // Forms: a proof that is over is renewed before the form is sent, so that no body
  // is lost.
  document.addEventListener('submit', (event) => {
    const form = event.target;
    if (event.defaultPrevented || !stale() || new URL(event.submitter?.formAction || form.action, location.href).origin !== location.origin) return;
    event.preventDefault();
    prove().finally(() => { holdsUntil = 0; form.requestSubmit(event.submitter); });
  });

  // The page that the server answers with where it wants a proof first: prove, and go
  // on as if nothing had happened. A browser that cannot signs in again.
  const wanted = script.dataset;
  const goOn = async () => {
    const tries = Number(sessionStorage.getItem('mooring-tries') ?? 0);
    sessionStorage.setItem('mooring-tries', tries + 1);
    if (tries >= 3 || !await prove(wanted.challenge, wanted.handle)) {
      sessionStorage.removeItem('mooring-tries');
      document.documentElement.dataset.mooring = 'unproved';
      if (wanted.otherwise) location.replace(wanted.otherwise);
      return;
    }
    const form = document.forms[0];
    if (form) form.submit(); else location.reload();
  };

  const start = async () => {
    if (wanted.challenge) return goOn();
    sessionStorage.removeItem('mooring-tries');
    if (!await ask() || state.kind || !state.register) return;
    // A browser with device-bound sessions of its own registers by itself in a moment.
    await new Promise((resolve) => setTimeout(resolve, 500));
    if (await ask() && !state.kind && state.register) await register();
  };
  const begin = () => start().catch(() => {}); // a browser that refuses storage has no key
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', begin); else begin();
})();
