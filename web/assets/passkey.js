// Station 1, web: passkeys in the browser, on the pages for signing in and for settings only. Asks the device, sends what it
// answers, and goes where the server says. Keeps nothing and writes no markup.
import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { post } from './post.js';

for (const form of document.querySelectorAll('[data-passkey]')) {
  const registering = form.dataset.passkey === 'add';
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
      const asked = await post(`${form.action}/options`, {});
      if (!asked.ok) {
        say(asked.body.words ?? form.dataset.refused);
        return;
      }
      const { id, options } = asked.body;
      const response = registering
        ? await startRegistration({ optionsJSON: options })
        : await startAuthentication({ optionsJSON: options });
      const answer = await post(form.action, { id, response });
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
