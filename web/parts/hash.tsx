// Station 1, web: a long value by its first eight and last four characters, with the whole of it to copy.
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';

export function Hash({ t, value }: { t: Text; value: string }) {
  const short = value.length > 16 ? `${value.slice(0, 8)}…${value.slice(-4)}` : value;
  return (
    <span class="hash">
      <code title={value}>{short}</code>
      <button class="copy" type="button" data-copy={value} aria-label={`${t.hash.copy}: ${short}`}>
        <Icon name="copy" />
      </button>
    </span>
  );
}
