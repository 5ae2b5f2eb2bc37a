// Station 1, web: text that a person wrote. Escaped, isolated from the direction of what surrounds it, and out of htmx's reach.
// Never a place for markup: line breaks are all the form it has.

/** Text as its writer typed it. `inline` for names and single lines. */
export function Said({ text, inline = false, lang }: { text: string; inline?: boolean; lang?: string }) {
  const attributes = lang ? { lang } : {};
  return inline ? (
    <bdi hx-ignore="" {...attributes}>
      {text}
    </bdi>
  ) : (
    <p class="said" dir="auto" hx-ignore="" {...attributes}>
      {text}
    </p>
  );
}
