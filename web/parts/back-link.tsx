// Station 1, web: the way back to the list one came from, with its query kept by the caller.
import { Icon } from './icon.tsx';

export function BackLink({ href, words }: { href: string; words: string }) {
  return (
    <a class="back-link" href={href}>
      <Icon name="arrow-left" />
      {words}
    </a>
  );
}
