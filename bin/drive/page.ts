// Drive, reading: what a person finds on a page: links, forms with their fields and buttons, and the words between. Read by
// the HTML standard's own algorithm. Knows nothing of our addresses and names; invents no field that the page does not show.
import { type DefaultTreeAdapterTypes, defaultTreeAdapter, parse } from 'parse5';

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

/** A control of a form, in the order of the page. */
export interface Control {
  readonly name: string;
  readonly kind:
    | 'hidden'
    | 'text'
    | 'number'
    | 'date'
    | 'radio'
    | 'checkbox'
    | 'select'
    | 'textarea'
    | 'button';
  /** What it holds as the page shows it; for a radio or checkbox, what it sends when it is chosen. */
  readonly value: string;
  readonly checked: boolean;
  /** A select's values, without the empty one. */
  readonly options: readonly string[];
  /** A button's or label's words. */
  readonly words: string;
  /** Where a button sends the form instead. */
  readonly action: string | undefined;
}

export interface Form {
  readonly id: string;
  readonly method: 'get' | 'post';
  readonly action: string;
  readonly controls: readonly Control[];
}

export interface Link {
  readonly href: string;
  /** What it is to the page that holds it, as HTML says it (`next`). */
  readonly rel: string;
  readonly words: string;
  /** Words of the table row or list item that holds the link. */
  readonly row: string;
}

export interface Page {
  readonly title: string;
  readonly words: string;
  readonly links: readonly Link[];
  readonly forms: readonly Form[];
  /** Words of each tag (`class="tag…"`), as the page marks what a thing is. */
  readonly tags: readonly string[];
  /** Words of what the page marks as a fault, for a report; never what somebody typed. */
  readonly faults: readonly string[];
  /** Rows about signing keys: the row's id, and the key by which a browser would find its own. */
  readonly keys: readonly { readonly row: string; readonly name: string }[];
  /** What the page puts before the person to sign, if it does. */
  readonly toSign: ToSign | undefined;
}

/** A statement as a page shows it, and what each of the person's keys would sign. */
export interface ToSign {
  readonly text: string;
  /** Its hash as the page prints it, hexadecimal. */
  readonly hash: string;
  readonly envelopes: readonly {
    readonly key: string;
    readonly certificate: string;
    readonly text: string;
  }[];
}

const attribute = (element: Element, name: string): string | undefined =>
  element.attrs.find((a) => a.name === name)?.value;

const hasClass = (element: Element, name: RegExp): boolean =>
  (attribute(element, 'class') ?? '').split(/\s+/).some((one) => name.test(one));

const wordsOf = (node: Node): string => {
  const parts: string[] = [];
  const visit = (one: Node): void => {
    if (defaultTreeAdapter.isTextNode(one)) parts.push(one.value);
    else if ('childNodes' in one && !(one.nodeName === 'script' || one.nodeName === 'style'))
      for (const child of one.childNodes) visit(child);
    // Words of different blocks do not run into each other.
    if (!defaultTreeAdapter.isTextNode(one) && !/^(span|b|strong|em|bdi|a|time)$/.test(one.nodeName))
      parts.push(' ');
  };
  visit(node);
  return parts.join('').replace(/\s+/g, ' ').trim();
};

/** Text as it stands, line by line. */
const textIn = (element: Element): string =>
  element.childNodes.map((n) => (defaultTreeAdapter.isTextNode(n) ? n.value : '')).join('');

const ROW = new Set(['tr', 'li', 'article']);

/** The page that follows this one of a list; undefined on the last. */
export const nextOf = (page: Page): Link | undefined => page.links.find(({ rel }) => rel === 'next');

/** Reads a page. Never throws: the standard says what any bytes mean. */
export function readPage(html: string): Page {
  const document = parse(html);
  const links: Link[] = [];
  const tags: string[] = [];
  const faults: string[] = [];
  const forms = new Map<
    Element,
    { id: string; method: 'get' | 'post'; action: string; controls: Control[] }
  >();
  const byId = new Map<string, Element>();
  const owned: { element: Element; inside: Element | undefined }[] = [];
  let title = '';
  const keys: Page['keys'][number][] = [];
  const signing = { text: '', hash: '', envelopes: [] as ToSign['envelopes'][number][] };

  const visit = (node: Node, form: Element | undefined, row: Element | undefined): void => {
    if (!defaultTreeAdapter.isElementNode(node)) {
      if ('childNodes' in node) for (const child of node.childNodes) visit(child, form, row);
      return;
    }
    const name = node.tagName;
    if (name === 'template') return;
    if (name === 'title' && title === '') title = wordsOf(node);
    if (hasClass(node, /^tag$/)) tags.push(wordsOf(node));
    if (hasClass(node, /^(fault|error-summary)$/)) faults.push(wordsOf(node));
    if (attribute(node, 'id') === 'statement') signing.text = textIn(node);
    signing.hash ||= attribute(node, 'data-hash') ?? '';
    const certificate = attribute(node, 'data-envelope');
    if (certificate !== undefined)
      signing.envelopes.push({ certificate, key: attribute(node, 'data-key') ?? '', text: textIn(node) });
    const here = ROW.has(name) ? node : row;
    if (name === 'a') {
      const href = attribute(node, 'href');
      if (href !== undefined)
        links.push({
          href,
          rel: attribute(node, 'rel') ?? '',
          words: wordsOf(node),
          row: here ? wordsOf(here) : '',
        });
    }
    const key = attribute(node, 'data-key-here');
    if (key !== undefined && here) keys.push({ row: attribute(here, 'id') ?? '', name: key });
    let within = form;
    if (name === 'form') {
      const id = attribute(node, 'id') ?? '';
      forms.set(node, {
        id,
        method: attribute(node, 'method')?.toLowerCase() === 'post' ? 'post' : 'get',
        action: attribute(node, 'action') ?? '',
        controls: [],
      });
      if (id) byId.set(id, node);
      within = node;
    }
    if (name === 'input' || name === 'select' || name === 'textarea' || name === 'button')
      owned.push({ element: node, inside: within });
    for (const child of node.childNodes) visit(child, within, here);
  };
  visit(document, undefined, undefined);

  for (const { element, inside } of owned) {
    const named = attribute(element, 'form');
    const owner = named === undefined ? inside : byId.get(named);
    const form = owner && forms.get(owner);
    if (!form || attribute(element, 'disabled') !== undefined) continue;
    const control = controlOf(element);
    if (control) form.controls.push(control);
  }
  return {
    ...{ title, words: wordsOf(document), links, forms: [...forms.values()], tags, faults, keys },
    toSign: signing.text === '' ? undefined : signing,
  };
}

function controlOf(element: Element): Control | undefined {
  const name = attribute(element, 'name') ?? '';
  const base = { name, checked: false, options: [], words: '', action: undefined };
  switch (element.tagName) {
    case 'textarea':
      // Not `wordsOf`: what was typed keeps its lines.
      return {
        ...base,
        kind: 'textarea',
        value: textIn(element),
      };
    case 'select': {
      const options: { value: string; selected: boolean }[] = [];
      const visit = (node: Node): void => {
        if (defaultTreeAdapter.isElementNode(node) && node.tagName === 'option')
          options.push({
            value: attribute(node, 'value') ?? wordsOf(node),
            selected: attribute(node, 'selected') !== undefined,
          });
        else if ('childNodes' in node) for (const child of node.childNodes) visit(child);
      };
      visit(element);
      return {
        ...base,
        kind: 'select',
        value: (options.find((o) => o.selected) ?? options[0])?.value ?? '',
        options: options.map((o) => o.value).filter((value) => value !== ''),
      };
    }
    case 'button': {
      const type = attribute(element, 'type')?.toLowerCase() ?? 'submit';
      if (type !== 'submit') return undefined;
      return {
        ...base,
        kind: 'button',
        value: attribute(element, 'value') ?? '',
        words: wordsOf(element),
        action: attribute(element, 'formaction'),
      };
    }
    case 'input': {
      const type = attribute(element, 'type')?.toLowerCase() ?? 'text';
      const value = attribute(element, 'value') ?? (type === 'checkbox' || type === 'radio' ? 'on' : '');
      if (type === 'submit')
        return { ...base, kind: 'button', value, words: value, action: attribute(element, 'formaction') };
      if (type === 'radio' || type === 'checkbox')
        return { ...base, kind: type, value, checked: attribute(element, 'checked') !== undefined };
      if (type === 'hidden' || type === 'number' || type === 'date') return { ...base, kind: type, value };
      if (type === 'button' || type === 'reset' || type === 'image' || type === 'file') return undefined;
      return { ...base, kind: 'text', value };
    }
    default:
      return undefined;
  }
}

/** What a person puts into a form: one value, or several of a group. */
export type Filling = Readonly<Record<string, string | readonly string[]>>;

/** A form cannot be filled in as the person wanted: the page does not offer it. */
export class NotOffered extends Error {
  override readonly name = 'NotOffered';
}

/**
 * The form as a browser sends it: fields in the order of the page, what is not filled in as the page shows it.
 * @throws NotOffered for a field that the form does not have, or a choice that it does not offer
 */
export function fillIn(form: Form, filling: Filling, button?: Control): URLSearchParams {
  const body = new URLSearchParams();
  const left = new Set(Object.keys(filling));
  for (const control of form.controls) {
    const { name, kind } = control;
    if (kind === 'button') {
      if (control === button && name) body.append(name, control.value);
      continue;
    }
    if (!name) continue;
    const wanted = kind === 'hidden' ? undefined : filling[name];
    left.delete(name);
    if (kind === 'radio' || kind === 'checkbox') {
      const chosen =
        wanted === undefined ? control.checked : ([] as string[]).concat(wanted).includes(control.value);
      if (chosen) body.append(name, control.value);
    } else if (kind === 'select') {
      const value = wanted === undefined ? control.value : String(wanted);
      if (value !== '' && !control.options.includes(value))
        throw new NotOffered(`choice is not offered: ${name}`);
      body.append(name, value);
    } else {
      const value =
        wanted === undefined ? control.value : typeof wanted === 'string' ? wanted : wanted.join('\n');
      // HTML: line breaks of a text area are sent as CR LF.
      body.append(name, kind === 'textarea' ? value.replace(/\r\n?|\n/g, '\r\n') : value);
    }
  }
  for (const name of left) throw new NotOffered(`field is not offered: ${name}`);
  for (const [name, wanted] of Object.entries(filling)) {
    const group = form.controls.filter(
      (c) => c.name === name && (c.kind === 'radio' || c.kind === 'checkbox'),
    );
    if (group.length === 0) continue;
    for (const value of ([] as string[]).concat(wanted))
      if (!group.some((c) => c.value === value)) throw new NotOffered(`choice is not offered: ${name}`);
  }
  return body;
}

/** Values that a group of radios, checkboxes or a select offers. */
export const offered = (form: Form, name: string): string[] =>
  form.controls
    .filter((c) => c.name === name)
    .flatMap((c) =>
      c.kind === 'select' ? c.options : c.kind === 'radio' || c.kind === 'checkbox' ? [c.value] : [],
    );
