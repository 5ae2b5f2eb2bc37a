// Station 1, web: nothing to show, said in words with the way to something. Never an illustration alone.
export function EmptyState({
  words,
  more,
  link,
}: {
  words: string;
  more?: string | undefined;
  link?: { href: string; words: string } | undefined;
}) {
  return (
    <div class="empty stack-tight">
      <p class="lead">{words}</p>
      {more ? <p class="soft">{more}</p> : null}
      {link ? (
        <p>
          <a href={link.href}>{link.words}</a>
        </p>
      ) : null}
    </div>
  );
}
