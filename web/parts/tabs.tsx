// Station 1, web: views of one thing as addresses (queue views, sections of a case). Links, never script tabs.
export type TabLink = { href: string; words: string; count?: string | undefined; current?: boolean };

export function Tabs({ label, links }: { label: string; links: readonly TabLink[] }) {
  return (
    <nav class="tabs" aria-label={label}>
      <ul>
        {links.map(({ href, words, count, current }) => (
          <li>
            <a href={href} {...(current ? { 'aria-current': 'page' as const } : {})}>
              {words}
              {count ? <span class="count">{count}</span> : null}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
