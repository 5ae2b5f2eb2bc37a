// Station 1, web: passkeys in the browser, on the pages for signing in, for invitations and for settings only. Asks the device,
// sends what it answers, and goes where the server says. Keeps nothing and writes no markup.
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { post } from './post.js';

/** The secret behind an invitation's "#", taken out of the address bar and the history at once. Never sent but in a body. */
function takenToken() {
  const token = location.hash.slice(1);
  history.replaceState(null, '', location.pathname);
  // The same link again in this tab is a change of the hash alone.
  addEventListener('hashchange', () => location.reload());
  return token;
}

/** Shows whom the link lets in, or that it lets nobody in. */
async function showInvited(form, token) {
  const { ok, body } = await post(`${form.action}/person`, { token }).catch(() => ({ ok: false, body: {} }));
  if (ok) {
    form.querySelector('[data-name]').textContent = body.name;
    form.closest('[data-invitation]').hidden = false;
    return;
  }
  const nobody = document.querySelector('[data-void]');
  if (body.words) nobody.querySelector('[data-words]').textContent = body.words;
  nobody.hidden = false;
}

for (const form of document.querySelectorAll('[data-passkey]')) {
  const invited = form.dataset.passkey === 'invitation';
  const registering = invited || form.dataset.passkey === 'add';
  const more = invited ? { token: takenToken() } : {};
  if (invited) showInvited(form, more.token);
  const said = form.querySelector('[role=status]');
  const say = (words) => {
    if (said) said.textContent = words ?? '';
  };
  form.querySelector('button').disabled = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.setAttribute('aria-busy', 'true');
    say(form.dataset.waiting);
    try {
      const asked = await post(`${form.action}/options`, more);
      if (!asked.ok) {
        say(asked.body.words ?? form.dataset.refused);
        return;
      }
      const { id, options } = asked.body;
      const response = registering
        ? await startRegistration({ optionsJSON: options })
        : await startAuthentication({ optionsJSON: options });
      const answer = await post(form.action, { ...more, id, response, to: form.elements.to?.value });
      if (answer.ok) location.assign(answer.body.go);
      else say(answer.body.words ?? form.dataset.refused);
    } catch {
      // The person closed the device's question, or the device has no passkey for this place.
      say(form.dataset.refused);
    } finally {
      button.removeAttribute('aria-busy');
    }
  });
}
