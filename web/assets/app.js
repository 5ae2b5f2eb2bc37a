// Station 1, web: the only script of our own in the browser (UI.md 5.4, 5.7, 5.10, 5.13 and the keys).
// Every page works without it. It makes no markup from data, stores nothing, and sends nothing that a form did not hold.

const root = document.documentElement;
root.classList.add('scripted');

// The page that checks a decision is the answer to a form, and what it shows is kept as a draft: coming back to it sends nothing.
if (document.getElementById('check-form')) history.replaceState(null, '', location.href);

const texts = () => document.getElementById('texts')?.dataset ?? {};
const byKey = (key) =>
  [...document.querySelectorAll('[aria-keyshortcuts]')].find((element) =>
    element.getAttribute('aria-keyshortcuts').toLowerCase().split(' ').includes(key),
  );

/** Speaks through one of the two live regions that exist from the first render. Text only, with one link at most. */
function say(region, words, link) {
  const place = document.getElementById(region);
  if (!place) return;
  place.textContent = words;
  if (link) {
    const anchor = document.createElement('a');
    anchor.href = link.href;
    anchor.textContent = link.words;
    place.append(' ', anchor);
  }
}

// ---- 5.13 Waiting: nothing for 300 ms, then the pressed button says so, after 10 s a sentence.

const waits = new WeakMap();
const sourceOf = (event) => event.detail.ctx?.sourceElement ?? event.target;
const isStream = (element) => element?.hasAttribute?.('hx-sse:connect');

document.addEventListener('htmx:before:request', (event) => {
  const { ctx } = event.detail;
  const source = sourceOf(event);
  if (isStream(source)) return;
  const pressed = ctx.request.submitter ?? (source.matches?.('button') ? source : null);
  const wait = { target: ctx.target instanceof Element ? ctx.target : null };
  wait.soon = setTimeout(() => {
    wait.target?.setAttribute('aria-busy', 'true');
    if (!pressed || pressed.getAttribute('aria-busy')) return;
    wait.pressed = pressed;
    wait.words = [...pressed.childNodes];
    pressed.setAttribute('aria-busy', 'true');
    pressed.replaceChildren(texts().saving);
  }, 300);
  wait.long = setTimeout(() => say('notice', texts().waiting), 10_000);
  waits.set(ctx, wait);
});

document.addEventListener('htmx:finally:request', (event) => {
  const wait = waits.get(event.detail.ctx);
  if (!wait) return;
  clearTimeout(wait.soon);
  clearTimeout(wait.long);
  wait.target?.removeAttribute('aria-busy');
  if (wait.pressed?.isConnected && wait.pressed.getAttribute('aria-busy')) {
    wait.pressed.removeAttribute('aria-busy');
    wait.pressed.replaceChildren(...wait.words);
  }
});

// ---- 5.7 No answer: the same body, with the same operation key, is asked again at 2, 4 and 8 s. Never called failed.

const unanswered = new WeakMap();

document.addEventListener('htmx:config:request', (event) => {
  const { ctx } = event.detail;
  const form = ctx.request.form;
  if (!form || ctx.request.method !== 'POST') return;
  const again = unanswered.get(form);
  if (again?.asking) {
    // What was typed meanwhile stays in the form; what is asked again is what was asked before.
    ctx.request.body = again.body;
    again.asking = false;
  } else {
    const body = new FormData();
    for (const [name, value] of ctx.request.body) body.append(name, value);
    clearTimeout(again?.timer);
    unanswered.set(form, { body, times: 0, asking: false });
  }
});

document.addEventListener('htmx:error', (event) => {
  const ctx = event.detail.ctx;
  const form = ctx?.request?.form;
  if (!form || ctx.response || ctx.request.method !== 'POST') return;
  const again = unanswered.get(form);
  if (!again?.body.get('key')) {
    say('alert', navigator.onLine ? texts().noAnswer : texts().offline);
    return;
  }
  if (again.times >= 3) {
    say('alert', texts().unsure, {
      href: `/ask/${encodeURIComponent(String(again.body.get('key')))}`,
      words: texts().ask,
    });
    return;
  }
  say('notice', navigator.onLine ? texts().asking : texts().offline);
  again.times += 1;
  again.timer = setTimeout(
    () => {
      if (!form.isConnected) return;
      again.asking = true;
      form.requestSubmit(ctx.request.submitter?.isConnected ? ctx.request.submitter : undefined);
    },
    1000 * 2 ** again.times,
  );
});

// Not before:swap: that one also fires where nothing arrives.
document.addEventListener('htmx:before:response', (event) => {
  const form = event.detail.ctx.request.form;
  if (form) unanswered.delete(form);
});

// ---- 5.4 Focus: when a swap takes the focused element away, its place goes to the heading of what came.

let held = null;
let heldRow = '';
document.addEventListener('htmx:before:swap', () => {
  held = document.activeElement;
  heldRow = held?.closest('tr[id]')?.id ?? '';
});
document.addEventListener('htmx:after:swap', (event) => {
  prepareLists();
  if (!held || held === document.body || held.isConnected || document.activeElement !== document.body) return;
  // A row that is not for this person any more stays in sight, and so does their place in it.
  const link = heldRow && document.getElementById(heldRow)?.querySelector('[data-row-link]');
  if (link) {
    link.focus({ preventScroll: true });
    prepareLists();
    return;
  }
  const target = event.detail.ctx?.target;
  const place = target instanceof Element && target.isConnected ? target : document.querySelector('main');
  const heading = place.matches('h1,h2,h3') ? place : (place.querySelector('h1,h2,h3') ?? place);
  if (!heading.hasAttribute('tabindex')) heading.setAttribute('tabindex', '-1');
  heading.focus({ preventScroll: false });
});

// ---- 5.10 Live: age of what is shown, silence told as silence, and the end of a session.

let heard = 0;
const opened = Date.now();
let paused = false;
const bar = () => document.querySelector('.live');

function showAge() {
  const live = bar();
  const seconds = Math.round((Date.now() - (heard || opened)) / 1000);
  if (!live || (!heard && seconds < 20)) return;
  const words = live.querySelector('.live-words');
  const on = !paused && seconds < 20;
  live.dataset.live = on ? 'on' : 'off';
  const clock = new Intl.DateTimeFormat(root.lang, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  }).format(heard || opened);
  const say = paused ? live.dataset.paused : on ? live.dataset.on : live.dataset.off;
  const text = say.replace('{seconds}', String(seconds)).replace('{time}', clock);
  if (words.textContent !== text) words.textContent = text;
}

document.addEventListener('htmx:sse:after:connection', () => {
  heard = Date.now();
  showAge();
});
document.addEventListener('htmx:sse:before:message', (event) => {
  if (paused) event.preventDefault();
  else heard = Date.now();
});
document.addEventListener('reload-me', () => {
  const again = bar()?.querySelector('.live-reload');
  if (again) again.hidden = false;
});
document.addEventListener('ended', (event) => {
  event.target.remove?.();
  heard = 1;
  say('alert', texts().ended);
});
if (bar()) setInterval(showAge, 1000);

// ---- Small acts: copy, menus, pause.

document.addEventListener('click', (event) => {
  const copy = event.target.closest?.('[data-copy]');
  if (copy) {
    navigator.clipboard?.writeText(copy.dataset.copy).then(() => say('notice', texts().copied));
    return;
  }
  if (event.target.closest?.('[data-live-pause]') && !paused) {
    paused = true;
    heard = Date.now();
    showAge();
    event.preventDefault();
    return;
  }
  for (const menu of document.querySelectorAll('details.menu[open]')) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// ---- Keys. Never in fields, never with another modifier, never while a character is being composed.

/** A list is one stop for the tab key; arrows, J and K move inside it. */
function prepareLists() {
  for (const list of document.querySelectorAll('[data-list]')) {
    const links = [...list.querySelectorAll('[data-row-link]')];
    const current =
      links.find((link) => link === document.activeElement) ??
      links.find((link) => link.tabIndex === 0 && link.hasAttribute('data-stop')) ??
      links[0];
    for (const link of links) {
      link.tabIndex = link === current ? 0 : -1;
      link.toggleAttribute('data-stop', link === current);
    }
  }
}
prepareLists();

const rowOf = (element) => element?.closest?.('[data-list] tr');

function moveRow(step) {
  const links = [...document.querySelectorAll('[data-list] [data-row-link]')];
  if (links.length === 0) return false;
  const here = links.findIndex((link) => rowOf(link) === rowOf(document.activeElement));
  const next = links[here < 0 ? 0 : Math.min(Math.max(here + step, 0), links.length - 1)];
  for (const link of links) {
    link.tabIndex = link === next ? 0 : -1;
    link.toggleAttribute('data-stop', link === next);
  }
  next.focus();
  return true;
}

function use(element) {
  if (!element) return false;
  if (element.matches('input:not([type=radio],[type=checkbox],[type=submit]),textarea,select')) {
    element.focus();
    element.select?.();
  } else {
    element.focus();
    element.click();
  }
  return true;
}

let going = 0;

function pressed(key) {
  if (Date.now() - going < 1500) {
    going = 0;
    return use(document.querySelector(`[data-go="${CSS.escape(key)}"]`));
  }
  if (key === 'g' && document.querySelector('[data-go]')) {
    going = Date.now();
    return true;
  }
  if (key === 'j' || key === 'arrowdown') {
    return (key === 'j' || rowOf(document.activeElement)) && moveRow(1);
  }
  if (key === 'k' || key === 'arrowup') {
    return (key === 'k' || rowOf(document.activeElement)) && moveRow(-1);
  }
  const row = rowOf(document.activeElement);
  if (key === 'x' && row) {
    row.querySelector('.row-pick')?.click();
    return true;
  }
  if (key === '?') {
    const sheet = document.getElementById('keys-sheet');
    sheet?.showModal();
    return Boolean(sheet);
  }
  const inRow = row?.querySelector(`[data-row-key="${CSS.escape(key)}"]`);
  return use(inRow ?? byKey(key));
}

document.addEventListener('keydown', (event) => {
  if (event.isComposing || event.defaultPrevented || root.dataset.keys === 'off') return;
  const key = event.key.toLowerCase();
  if (key === 'escape') {
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
    if (rowOf(document.activeElement)) {
      for (const pick of document.querySelectorAll('.row-pick:checked')) pick.click();
    }
    return;
  }
  if (key === 'enter' && event.ctrlKey) {
    if (use(byKey('control+enter'))) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (
    event.target.closest?.(
      'input:not([type=checkbox],[type=radio],[type=range]),textarea,select,[contenteditable],dialog[open]',
    )
  )
    return;
  if (pressed(key)) event.preventDefault();
});
