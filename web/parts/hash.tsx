// Station 1, web: a long value by its first eight and last four characters, or by a short form of its own, with the whole of it
// to copy. Must never show two values alike that differ where people compare.
import type { Text } from '../text/text.ts';
import { Icon } from './icon.tsx';

export function Hash({ t, value, ...given }: { t: Text; value: string; short?: string }) {
  const short = given.short ?? (value.length > 16 ? `${value.slice(0, 8)}…${value.slice(-4)}` : value);
  return (
    <span class="hash">
      <code title={value}>{short}</code>
      <button class="copy" type="button" data-copy={value} aria-label={`${t.hash.copy}: ${short}`}>
        <Icon name="copy" />
      </button>
    </span>
  );
}
