// Station 1, web: the filters of a list, a GET form so that the address holds them. Names of people never go here (UI.md 5.11).
import type { Text } from '../text/text.ts';
import type { Option } from './field.tsx';

export type Filter =
  | { name: string; label: string; control: 'select'; value: string; options: readonly Option[] }
  | { name: string; label: string; control: 'text'; value: string };

/** `keep` are hidden values that a change of filter must not lose (the view, the page size). */
export function FilterBar({
  t,
  action,
  filters,
  keep = {},
  clearHref,
}: {
  t: Text;
  action: string;
  filters: readonly Filter[];
  keep?: Readonly<Record<string, string>>;
  clearHref?: string | undefined;
}) {
  return (
    <search>
      <form class="filter-bar" method="get" action={action} aria-label={t.filter.label}>
        {Object.entries(keep).map(([name, value]) => (
          <input type="hidden" name={name} value={value} />
        ))}
        {filters.map((filter) => (
          <div>
            <label for={`filter-${filter.name}`}>{filter.label}</label>
            {filter.control === 'select' ? (
              <div>
                <select class="control" id={`filter-${filter.name}`} name={filter.name}>
                  <option value="">{t.words.any}</option>
                  {filter.options.map((option) => (
                    <option value={option.value} selected={option.value === filter.value}>
                      {option.label}
                    </option>
                  ))}
                </select>
              </div>
            ) : (
              <div>
                <input
                  class="control"
                  id={`filter-${filter.name}`}
                  name={filter.name}
                  value={filter.value}
                  autocomplete="off"
                  aria-keyshortcuts="/"
                />
              </div>
            )}
          </div>
        ))}
        <button class="button" type="submit">
          {t.filter.show}
        </button>
        {clearHref ? <a href={clearHref}>{t.filter.clear}</a> : null}
      </form>
    </search>
  );
}
