// Test support: pages read as a person without script would: forms by their action, with the fields they carry. A form that is
// not in the page cannot be sent.

export interface PageForm {
  readonly action: string;
  readonly method: string;
  /** Values that the page itself carries: hidden inputs, preset text, checked and selected ones. */
  readonly fields: Record<string, string[]>;
  /** Every name a person can fill in or choose. */
  readonly names: ReadonlySet<string>;
  readonly buttons: readonly string[];
}

const decode = (text: string): string =>
  text
    .replace(/&quot;/g, '"')
    .replace(/&#39;|&#x27;/g, "'")
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&amp;/g, '&');

const attribute = (tag: string, name: string): string | undefined => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return found === undefined ? undefined : decode(found);
};

/** All forms of a page. */
export function formsOf(html: string): PageForm[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/g)].map(([, open = '', inside = '']) => {
    const fields: Record<string, string[]> = {};
    const names = new Set<string>();
    const add = (name: string, value: string) => {
      fields[name] = [...(fields[name] ?? []), value];
    };
    for (const [tag] of inside.matchAll(/<input\b[^>]*>/g)) {
      const name = attribute(tag, 'name');
      if (!name) continue;
      names.add(name);
      const type = attribute(tag, 'type') ?? 'text';
      const value = attribute(tag, 'value') ?? '';
      if (type === 'radio' || type === 'checkbox') {
        if (/\schecked\b/.test(tag)) add(name, value);
      } else add(name, value);
    }
    for (const [, tag = '', text = ''] of inside.matchAll(/<textarea\b([^>]*)>([\s\S]*?)<\/textarea>/g)) {
      const name = attribute(tag, 'name');
      if (!name) continue;
      names.add(name);
      add(name, decode(text));
    }
    for (const [, tag = '', options = ''] of inside.matchAll(/<select\b([^>]*)>([\s\S]*?)<\/select>/g)) {
      const name = attribute(tag, 'name');
      if (!name) continue;
      names.add(name);
      const all = [...options.matchAll(/<option\b([^>]*)>/g)].map(([, option = '']) => option);
      const chosen = all.find((option) => /\sselected\b/.test(option)) ?? all[0];
      if (chosen !== undefined) add(name, attribute(chosen, 'value') ?? '');
    }
    return {
      action: attribute(open, 'action') ?? '',
      method: (attribute(open, 'method') ?? 'get').toLowerCase(),
      fields,
      names,
      buttons: [...inside.matchAll(/<button\b[^>]*>([\s\S]*?)<\/button>/g)].map(([, words = '']) =>
        decode(
          words
            .replace(/<[^>]*>/g, ' ')
            .replace(/\s+/g, ' ')
            .trim(),
        ),
      ),
    };
  });
}

/** The form with this action; fails with the actions there are. */
export function formTo(html: string, action: string | RegExp): PageForm {
  const forms = formsOf(html);
  const found = forms.find((form) =>
    typeof action === 'string' ? form.action === action : action.test(form.action),
  );
  if (!found)
    throw new Error(
      `no form to ${action}; the page has ${forms.map((form) => form.action).join(', ') || 'none'}`,
    );
  return found;
}

/** The text of a page without its markup. */
export const wordsOf = (html: string): string =>
  decode(html.replace(/<(script|style)[\s\S]*?<\/\1>/g, ' ').replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ');
