// Station 7, the checker's page: takes two files from whoever opened it, runs the same modules as the server, and shows each step.
// Never asks the network for anything (its policy forbids it) and never writes a file's text as markup.
/// <reference lib="dom" />
import { sha256 } from '@noble/hashes/sha2.js';
import { checkEvidence, type EvidenceCrypto, type EvidenceVerdict } from '../check.ts';
import { type Evidence, NotEvidence, readEvidence, readEvidenceTrust } from '../format.ts';
import { unpackEvidence } from '../zip.ts';
import { wordsFor } from './words.ts';

const words = wordsFor(navigator.language);
document.documentElement.lang = navigator.language.startsWith('zh') ? 'zh-Hans' : 'en';

/** WebCrypto takes bytes over a buffer of their own. */
const own = (bytes: Uint8Array): Uint8Array<ArrayBuffer> => new Uint8Array(bytes);

const crypto_: EvidenceCrypto = {
  hash: sha256,
  async ed25519(publicKey, message, signature) {
    const key = await crypto.subtle.importKey('raw', own(publicKey), 'Ed25519', false, ['verify']);
    return await crypto.subtle.verify('Ed25519', key, own(signature), own(message));
  },
  async p256(spki, bytes, signature) {
    try {
      const curve = { name: 'ECDSA', namedCurve: 'P-256' };
      const key = await crypto.subtle.importKey('spki', own(spki), curve, false, ['verify']);
      return await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, key, own(signature), own(bytes));
    } catch {
      return false; // a key that is none of this curve signs nothing
    }
  },
};

/** An element with text and children; text is never read as markup. */
function el(
  name: string,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElement {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const field = (id: string): HTMLInputElement => document.getElementById(id) as HTMLInputElement;
const result = document.getElementById('result') as HTMLElement;

function show(verdict: EvidenceVerdict, evidence: Evidence): void {
  const open = verdict.steps.some(({ outcome }) => outcome === 'open');
  const state = verdict.verdict === 'refused' ? 'wrong' : open ? 'open' : 'holds';
  const reason = verdict.steps.find(({ outcome }) => outcome === 'wrong')?.says;
  result.replaceChildren(
    el(
      'div',
      { class: `verdict ${state}`, id: 'verdict', 'data-verdict': state },
      el('h2', {}, { wrong: words.refused, open: words.open, holds: words.holds }[state]),
      ...(reason ? [el('p', {}, reason)] : []),
      ...(verdict.checkpoint
        ? [el('p', { class: 'small' }, words.under(verdict.checkpoint.size, verdict.checkpoint.root))]
        : []),
    ),
    el(
      'ol',
      { class: 'steps' },
      ...verdict.steps.map(({ name, outcome, says, details }) =>
        el(
          'li',
          { 'data-step': name, 'data-outcome': outcome },
          el(
            'h3',
            {},
            el('span', { class: `mark ${outcome}` }, words.outcome[outcome]),
            ' ',
            words.steps[name][0],
          ),
          el('p', {}, says),
          el('p', { class: 'small' }, words.steps[name][1]),
          ...(details.length > 0
            ? [el('ul', {}, ...details.slice(0, 200).map((detail) => el('li', {}, detail)))]
            : []),
        ),
      ),
    ),
    el('h2', {}, words.entries),
    table(verdict, evidence),
  );
}

function table(verdict: EvidenceVerdict, evidence: Evidence): HTMLElement {
  const heads = [words.number, words.at, words.event, words.who, words.signed, words.place, words.shown];
  return el(
    'div',
    { class: 'scroll', tabindex: '0' },
    el(
      'table',
      {},
      el('thead', {}, el('tr', {}, ...heads.map((head) => el('th', { scope: 'col' }, head)))),
      el(
        'tbody',
        {},
        ...verdict.entries.map(({ index, entry }, at) => {
          const given = evidence.entries[at];
          return el(
            'tr',
            {},
            el('td', {}, String(at + 1)),
            el('td', {}, entry?.at ?? ''),
            el('td', {}, entry?.event ?? ''),
            el('td', {}, entry ? `${entry.actor.role} ${entry.actor.person}` : ''),
            el('td', {}, entry?.signature ? entry.signature.certificate.slice(0, 16) : ''),
            el('td', {}, String(index)),
            el(
              'td',
              {},
              ...(given?.statement ? [el('pre', {}, given.statement)] : []),
              ...(given && given.openings.length > 0
                ? [
                    el(
                      'details',
                      {},
                      el('summary', {}, words.fields(given.openings.length)),
                      ...given.openings.map(({ table: name, column, value }) =>
                        el('div', {}, el('code', {}, `${name}.${column}`), ` ${value}`),
                      ),
                    ),
                  ]
                : []),
            ),
          );
        }),
      ),
    ),
  );
}

async function check(): Promise<void> {
  const [evidenceFile, trustFile] = [field('evidence').files?.[0], field('trust').files?.[0]];
  if (!evidenceFile || !trustFile) {
    result.replaceChildren(el('p', {}, words.both));
    return;
  }
  result.replaceChildren(el('p', {}, words.working));
  try {
    const bytes = async (file: File) => new Uint8Array(await file.arrayBuffer());
    const evidence = readEvidence(unpackEvidence(await bytes(evidenceFile)));
    const trust = readEvidenceTrust(await bytes(trustFile));
    show(await checkEvidence(evidence, trust, crypto_), evidence);
  } catch (error) {
    const says = error instanceof NotEvidence ? error.message : String(error);
    result.replaceChildren(
      el(
        'div',
        { class: 'verdict wrong', id: 'verdict', 'data-verdict': 'wrong' },
        el('h2', {}, words.refused),
        el('p', {}, `${words.cannot}${says}`),
      ),
    );
  }
}

document.title = words.title;
(document.getElementById('page') as HTMLElement).prepend(
  el('h1', {}, words.title),
  el('p', {}, words.lead),
  el('label', { for: 'evidence' }, words.evidence),
  el('input', { type: 'file', id: 'evidence', accept: '.zip,.json' }),
  el('label', { for: 'trust' }, words.trust),
  el('input', { type: 'file', id: 'trust', accept: '.json' }),
  el('p', { class: 'small' }, words.trustHint),
  el('button', { type: 'button', id: 'check' }, words.check),
);
document.getElementById('check')?.addEventListener('click', () => void check());
