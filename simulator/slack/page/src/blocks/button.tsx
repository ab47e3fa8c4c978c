/** Buttons, and the question some of them ask first. */
import { useRef, useState } from "react";
import { Dialog } from "../dialog";
import { Icon } from "../icons";
import { safeAddress } from "../links";
import { Text, plainOf } from "../mrkdwn";
import { useSurface } from "../surface";
import type { Confirm, Element } from "../types";

export function ConfirmDialog({ confirm, onYes, onNo }: { confirm: Confirm; onYes: () => void; onNo: () => void }) {
  return (
    <Dialog label={plainOf(confirm.title) || "Are you sure?"} onClose={onNo} small>
      <div className="dialog-body"><Text text={confirm.text} /></div>
      <div className="dialog-foot">
        <button type="button" className="button" onClick={onNo}>{plainOf(confirm.deny) || "Cancel"}</button>
        <button type="button" className={`button ${confirm.style === "danger" ? "danger" : "primary"}`} onClick={onYes}>
          {plainOf(confirm.confirm) || "Yes"}
        </button>
      </div>
    </Dialog>
  );
}

/** Run `go` at once, or after the element's own question was answered with yes. */
export function useConfirmed(confirm: Confirm | undefined, go: () => void) {
  const [asking, ask] = useState(false);
  const start = () => (confirm ? ask(true) : go());
  const yes = () => {
    ask(false);
    go();
  };
  return { start, question: asking && confirm ? <ConfirmDialog confirm={confirm} onYes={yes} onNo={() => ask(false)} /> : null };
}

function kind(style: string | undefined): string {
  return style === "primary" || style === "danger" ? `button ${style}` : "button";
}

export function Button({ element, blockId }: { element: Element; blockId: string }) {
  const { click } = useSurface();
  const press = () => click(blockId, element.action_id ?? "");
  const { start, question } = useConfirmed(element.confirm, press);
  const label = element.accessibility_label ?? undefined;
  const address = safeAddress(element.url);
  // Slack sends a block action for URL buttons too, and opens the address.
  if (address) {
    return (
      <a className={kind(element.style)} role="button" href={address} target="_blank" rel="noopener" aria-label={label} onClick={press}>
        <Text text={element.text} />
      </a>
    );
  }
  return (
    <>
      <button type="button" className={kind(element.style)} aria-label={label} data-action={element.action_id} onClick={start}>
        <Text text={element.text} />
      </button>
      {question}
    </>
  );
}

interface Feedback {
  text: Element["text"];
  value: string;
  accessibility_label?: string;
}

export function FeedbackButtons({ element, blockId }: { element: Element; blockId: string }) {
  const { click } = useSurface();
  const [chosen, choose] = useState("");
  const one = (feedback: Feedback | undefined, sign: "up" | "down") => {
    if (!feedback) return null;
    const words = feedback.accessibility_label ?? plainOf(feedback.text);
    const send = () => {
      choose(feedback.value);
      click(blockId, element.action_id ?? "", feedback.value);
    };
    return (
      <button type="button" className="icon-button" title={words} aria-label={words} aria-pressed={chosen === feedback.value} onClick={send}>
        <Icon name={sign} />
      </button>
    );
  };
  return (
    <span className="feedback">
      {one(element.positive_button as Feedback | undefined, "up")}
      {one(element.negative_button as Feedback | undefined, "down")}
    </span>
  );
}

export function IconButton({ element, blockId }: { element: Element; blockId: string }) {
  const { click } = useSurface();
  const { start, question } = useConfirmed(element.confirm, () => click(blockId, element.action_id ?? ""));
  const words = element.accessibility_label ?? plainOf(element.text);
  return (
    <>
      <button type="button" className="icon-button" title={words} aria-label={words} onClick={start}><Icon name="trash" /></button>
      {question}
    </>
  );
}

export function Overflow({ element, blockId }: { element: Element; blockId: string }) {
  const { click } = useSurface();
  const [open, setOpen] = useState(false);
  const picked = useRef("");
  const { start, question } = useConfirmed(element.confirm, () => click(blockId, element.action_id ?? "", picked.current));
  const pick = (value: string) => {
    picked.current = value;
    setOpen(false);
    start();
  };
  return (
    <span className="overflow" onBlur={(e) => !e.currentTarget.contains(e.relatedTarget) && setOpen(false)}>
      <button type="button" className="button" aria-label={element.accessibility_label ?? "More options"} aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)}>⋯</button>
      {open && (
        <div className="menu" role="menu">
          {element.options?.map((option) => (
            <button key={option.value} type="button" role="menuitem" onClick={() => pick(option.value)}>{plainOf(option.text)}</button>
          ))}
        </div>
      )}
      {question}
    </span>
  );
}
