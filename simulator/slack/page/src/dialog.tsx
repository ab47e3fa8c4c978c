/** A dialog: focus goes in and stays in, Esc closes, focus goes back where it was. */
import { useEffect, useRef } from "react";
import type { ReactNode } from "react";
import { createPortal } from "react-dom";

interface Props {
  label: string;
  onClose: () => void;
  children: ReactNode;
  small?: boolean;
  view?: string;
}

export function Dialog({ label, onClose, children, small, view }: Props) {
  const ref = useRef<HTMLDialogElement>(null);
  const close = useRef(onClose);
  close.current = onClose;
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal(); // the browser itself traps the focus and gives it back
    dialog?.querySelector<HTMLElement>("[data-focus], .dialog-body input, .dialog-body textarea, .dialog-body select")?.focus();
    return () => dialog?.close();
  }, []);
  const cancel = (event: React.SyntheticEvent) => {
    event.preventDefault(); // the server decides which view stays, so the page only asks
    close.current();
  };
  return createPortal(
    <dialog ref={ref} aria-label={label} className={small ? "dialog small" : "dialog"} data-view={view} onCancel={cancel}>
      <header className="dialog-head">
        <h2>{label}</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>✕</button>
      </header>
      {children}
    </dialog>,
    document.body,
  );
}
