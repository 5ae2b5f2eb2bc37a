// Station 1, web: a person's signing keys in this browser: making one, and signing a statement with it. The private key cannot be
// exported and is never sent. What is signed is what stands in the page: its text is hashed here before anything is signed.
// Keys lie in IndexedDB, by the person they belong to. Fetches nothing for signing; makes no markup.
import { post } from './post.js';

const encode = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const hex = (bytes) => [...new Uint8Array(bytes)].map((b) => b.toString(16).padStart(2, '0')).join('');
const sha256 = async (bytes) => hex(await crypto.subtle.digest('SHA-256', bytes));
const ECDSA = { name: 'ECDSA', namedCurve: 'P-256' };
const SIGNING = { name: 'ECDSA', hash: 'SHA-256' };

// ---- Where keys lie.

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function openStore() {
  const request = indexedDB.open('rehab-keys', 1);
  request.onupgradeneeded = () => {
    const store = request.result.createObjectStore('keys', { keyPath: 'name' });
    store.createIndex('person', 'person');
  };
  return done(request);
}

async function inStore(mode, body) {
  const base = await openStore();
  try {
    const transaction = base.transaction('keys', mode);
    const over = new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
      transaction.onerror = () => reject(transaction.error);
    });
    const result = await done(body(transaction.objectStore('keys')));
    await over;
    return result;
  } finally {
    base.close();
  }
}

const keep = (record) => inStore('readwrite', (store) => store.put(record));
const find = (name) => inStore('readonly', (store) => store.get(name));

// ---- Making a key.

for (const form of document.querySelectorAll('form[data-make-key]')) {
  const state = form.querySelector('[role=status]');
  const button = form.querySelector('button');
  const say = (words) => {
    state.textContent = words ?? '';
  };
  button.disabled = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    button.setAttribute('aria-busy', 'true');
    const { person, making, unstored, refused } = form.dataset;
    say(making);
    try {
      // Asked, not demanded: what the browser says is shown, and a key that may be thrown away is still a key.
      const kept = (await navigator.storage?.persist?.().catch(() => false)) ?? false;
      const pair = await crypto.subtle.generateKey(ECDSA, false, ['sign', 'verify']);
      const spki = await crypto.subtle.exportKey('spki', pair.publicKey);
      const name = await sha256(spki);
      try {
        await keep({ name, person, privateKey: pair.privateKey, publicKey: pair.publicKey });
        // Some browsers take a key and give nothing back: tried before anybody certifies it.
        const back = await find(name);
        await crypto.subtle.sign(SIGNING, back.privateKey, new Uint8Array(1));
      } catch {
        say(unstored);
        return;
      }
      const publicKey = encode(spki);
      const asked = await post(`${form.action}/request`, { publicKey });
      if (!asked.ok) {
        if (asked.body.go && form.dataset.stay !== undefined) location.reload();
        else if (asked.body.go) location.assign(asked.body.go);
        else say(asked.body.words ?? refused);
        return;
      }
      const signature = encode(await crypto.subtle.sign(SIGNING, pair.privateKey, decode(asked.body.toSign)));
      const answer = await post(form.action, { publicKey, signature, kept });
      // A page that waits for the key is shown again, now with the key.
      if (answer.body.done === 'issued' && form.dataset.stay !== undefined) location.reload();
      else if (answer.body.go) location.assign(answer.body.go);
      else say(answer.body.words ?? refused);
    } catch {
      say(refused);
    } finally {
      button.disabled = false;
      button.removeAttribute('aria-busy');
    }
  });
}

/** Marks the keys that lie in this browser. */
for (const row of document.querySelectorAll('[data-key-here]'))
  find(row.dataset.keyHere).then(
    (record) => {
      row.textContent = record ? row.dataset.here : row.dataset.elsewhere;
    },
    () => undefined,
  );

/** Whether the browser promises to keep what lies here. */
for (const place of document.querySelectorAll('[data-persisted]'))
  navigator.storage?.persisted?.().then((kept) => {
    place.textContent = kept ? place.dataset.kept : place.dataset.loose;
  });

// ---- Signing.

/** The envelope that a key of this browser can sign, with that key. */
async function keyForPage() {
  for (const place of document.querySelectorAll('[data-envelope]')) {
    const record = await find(place.dataset.key).catch(() => undefined);
    if (record) return { place, privateKey: record.privateKey };
  }
  return undefined;
}

/** Whether the text in the page has the hash that is printed under it and that the envelope names. */
async function textIsWhatIsSigned(envelope) {
  const text = document.getElementById('statement').textContent;
  const digest = await sha256(new TextEncoder().encode(text));
  return (
    digest === document.getElementById('statement-hash').dataset.hash &&
    digest === JSON.parse(envelope).statement
  );
}

const signForm = () => document.querySelector('form[data-sign]');

async function prepare() {
  const form = signForm();
  if (!form) return;
  const button = form.querySelector('button');
  const state = document.getElementById('key-state');
  const said = document.getElementById('sign-state');
  const found = await keyForPage();
  if (!found) {
    if (document.querySelector('[data-envelope]')) state.textContent = state.dataset.none;
    document.getElementById('make-key-here').hidden = false;
    return;
  }
  if (!(await textIsWhatIsSigned(found.place.textContent))) {
    said.textContent = button.dataset.changed;
    return;
  }
  state.textContent = state.dataset.here.replace('{until}', found.place.dataset.until);
  button.disabled = false;
}

// ---- Undo before signing (UI.md 5.5): after “Sign” nothing is signed and nothing sent until the time is over or the person says so.

const undo = document.getElementById('undo');
const now = document.getElementById('undo-now');
let counting;

/** Shows the bar in the place of the buttons, with focus, and counts as the person chose. */
function offerUndo(form) {
  const words = document.getElementById('undo-words');
  let left = Number(document.documentElement.dataset.undo);
  const tell = () => {
    words.textContent = left > 0 ? undo.dataset.in.replace('{seconds}', String(left)) : undo.dataset.wait;
  };
  document.getElementById('sign-state').textContent = '';
  tell();
  showUndo(true);
  document.getElementById('undo-undo').focus();
  if (!(left > 0)) return;
  counting = setInterval(() => {
    left -= 1;
    if (left > 0) tell();
    else form.requestSubmit(now);
  }, 1000);
}

function showUndo(shown) {
  const actions = document.getElementById('sign-actions');
  undo.hidden = !shown;
  document.getElementById('undo-undo').hidden = false;
  actions.hidden = shown;
  actions.querySelector('button').disabled = shown;
}

document.getElementById('undo-undo')?.addEventListener('click', () => {
  // Z reaches it also while it is hidden: then there is nothing to undo.
  if (undo.hidden) return;
  clearInterval(counting);
  showUndo(false);
  document.getElementById('sign-actions').querySelector('button').focus();
  document.getElementById('sign-state').textContent = undo.dataset.undone;
});

// Before htmx sees the press: nothing leaves the page until it is signed, and then the same signature, however often it is sent.
document.addEventListener(
  'submit',
  async (event) => {
    const form = event.target;
    if (!form.matches?.('form[data-sign]') || form.elements.signature.value) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.submitter !== now) {
      offerUndo(form);
      return;
    }
    clearInterval(counting);
    const button = form.querySelector('button');
    const words = document.getElementById('undo-words');
    // From here on there is nothing to undo.
    words.textContent = button.dataset.signing;
    now.focus();
    document.getElementById('undo-undo').hidden = true;
    now.setAttribute('aria-busy', 'true');
    const notSigned = (why) => {
      showUndo(false);
      document.getElementById('sign-state').textContent = why;
    };
    try {
      const found = await keyForPage();
      const envelope = found?.place.textContent;
      if (!found || !(await textIsWhatIsSigned(envelope))) {
        notSigned(button.dataset.changed);
        return;
      }
      const bytes = new TextEncoder().encode(envelope);
      form.elements.certificate.value = found.place.dataset.envelope;
      form.elements.signature.value = encode(await crypto.subtle.sign(SIGNING, found.privateKey, bytes));
      // `Saving` speaks for it from now on, and then the answer.
      words.textContent = '';
      now.removeAttribute('aria-busy');
      form.requestSubmit(now);
    } catch {
      notSigned(button.dataset.failed);
    } finally {
      now.removeAttribute('aria-busy');
    }
  },
  { capture: true },
);

prepare();
