// Drive, signing: what the script of the key and sign pages does in a browser: a key is made once, certified through the page's own
// door, and signs the statement that a page shows, after its hash was compared. Signs nothing that no page put before it.
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { nodeHashing } from '../../ledger/record-key.ts';
import { statementBytes } from '../../ledger/statement.ts';
import type { Answer, Browser } from './browser.ts';
import type { Form, Page } from './page.ts';
import { type SoftwareKey, softwareKey } from './software-key.ts';

const KEYS = '/keys';
/**
 * How often the member is asked after a key that waits, and the pause between: two and a half minutes. A chain that has lost its leading
 * orderer takes a certificate after more than half a minute.
 */
const LOOKS = 300;
const LOOK_PAUSE_MS = 500;
const JSON_TYPE = 'application/json';

export interface PersonKey {
  /** The sign page's form as its script sends it. The page is read again when the person had no key yet, or must show who they are. */
  sign(shown: Answer): Promise<Form>;
  /** Ends the certificate of this run's key, which is thrown away with it. */
  end(): Promise<void>;
}

/** The page, or its door, did not do what a browser needs to sign. Its words hold nothing of a statement. */
export class CannotSign extends Error {
  override readonly name = 'CannotSign';
}

const FORM = z.object({ toSign: z.string() });
const said = (answer: Answer): unknown => {
  try {
    return JSON.parse(answer.body);
  } catch {
    return undefined;
  }
};

const formTo = (page: Page, path: RegExp): Form | undefined =>
  page.forms.find(
    ({ method, action }) => method === 'post' && path.test(new URL(action, 'http://page').pathname),
  );

/** The key of one browser. It is made when it is first needed. */
export function keyOf(browser: Browser): PersonKey {
  let making: Promise<SoftwareKey> | undefined;

  /** A new key is asked for by somebody who has just shown who they are. */
  async function confirmed(page: Answer): Promise<Answer> {
    const form = formTo(page.page, /^\/sign-in\/confirm$/);
    return form ? await browser.submit(form) : page;
  }

  async function make(): Promise<SoftwareKey> {
    await confirmed(await browser.get(KEYS));
    const key = softwareKey();
    const { publicKey } = key;
    const asked = await browser.send(`${KEYS}/request`, JSON_TYPE, JSON.stringify({ publicKey }));
    const { data } = FORM.safeParse(said(asked));
    if (!data) throw new CannotSign(`key could not be asked for: ${asked.status}`);
    const signature = key.sign(Buffer.from(data.toSign, 'base64url'));
    const given = await browser.send(KEYS, JSON_TYPE, JSON.stringify({ publicKey, signature }));
    if (given.status !== 200) throw new CannotSign(`key was not certified: ${given.status}`);
    // Two people of the organisation decide; the page asks after it each time it is shown.
    for (let look = 0; look < LOOKS; look++) {
      const { body } = await browser.get(KEYS);
      if (body.includes(key.name)) return key;
      await sleep(LOOK_PAUSE_MS);
    }
    throw new CannotSign(
      'key still waits for its certificate; look at the log of that organisation’s member',
    );
  }

  return {
    async sign(shown) {
      making ??= make().catch((error: unknown) => {
        making = undefined;
        throw error;
      });
      const key = await making;
      let page = await confirmed(shown);
      if (!page.page.toSign?.envelopes.some((one) => one.key === key.name)) page = await browser.get(page.at);
      const { toSign } = page.page;
      const form = page.page.forms.find(({ id }) => id === 'sign-form');
      const envelope = toSign?.envelopes.find((one) => one.key === key.name);
      if (!toSign || !form || !envelope) throw new CannotSign(`page has nothing to sign: ${page.status}`);
      const hash = Buffer.from(nodeHashing.hash(statementBytes(toSign.text))).toString('hex');
      const { statement } = JSON.parse(envelope.text) as { statement?: unknown };
      if (hash !== toSign.hash || hash !== statement)
        throw new CannotSign('text is not what would be signed');
      const values: Readonly<Record<string, string>> = {
        certificate: envelope.certificate,
        signature: key.sign(Buffer.from(envelope.text)),
      };
      const controls = form.controls.map((one) => ({ ...one, value: values[one.name] ?? one.value }));
      return { ...form, controls };
    },
    async end() {
      const key = await making?.catch(() => undefined);
      if (!key) return;
      const { page } = await browser.get(KEYS);
      const row = page.keys.find(({ name }) => name === key.name)?.row ?? '';
      const form = page.forms.find(({ controls }) =>
        controls.some(({ name, value }) => name === 'certificate' && row === `certificate-${value}`),
      );
      if (!form) throw new CannotSign('page does not offer to end its key');
      await browser.submit(form, { reason: 'replaced' });
    },
  };
}
