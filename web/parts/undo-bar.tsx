// Station 1, web: between “Sign” and signing (UI.md 5.5): nothing is signed, nothing is sent, and whoever closes the page has not signed.
// Part of the form; shown by the script alone, which also counts. It takes focus, so its sentence is heard once and not every second.
import type { Text } from '../text/text.ts';

export function UndoBar({ t, shown = false }: { t: Text; shown?: boolean }) {
  const w = t.signing;
  return (
    <div
      class="undo"
      id="undo"
      hidden={!shown}
      data-in={w.undoIn('{seconds}')}
      data-wait={w.undoWait}
      data-undone={w.undone}
    >
      <p id="undo-words">{shown ? w.undoWait : null}</p>
      <div class="cluster">
        <button
          class="button"
          type="button"
          id="undo-undo"
          aria-keyshortcuts="Z"
          aria-describedby="undo-words"
        >
          {w.undo}
          <kbd class="needs-script"> Z</kbd>
        </button>
        <button class="button" type="submit" id="undo-now">
          {w.signNow}
        </button>
      </div>
    </div>
  );
}
