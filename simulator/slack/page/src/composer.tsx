/** Where one writes: Enter sends, `/` is a command, `@` a mention. */
import { useRef, useState } from "react";
import { usePage } from "./context";
import type { Workspace } from "./types";

interface Props {
  channel: string;
  threadTs?: string;
  label: string;
  placeholder: string;
}

interface Hint {
  title: string;
  words: string;
  text: string;
}

const LAST_WORD = /(^|\s)@(\w*)$/;

function commandHints(state: Workspace, text: string): Hint[] {
  if (!/^\/\S*$/.test(text)) return [];
  return state.app.commands
    .filter((command) => command.name.startsWith(text))
    .map((command) => ({ title: command.name, words: `${command.description} · ${command.usage_hint}`, text: `${command.name} ` }));
}

function mentionHints(state: Workspace, text: string): Hint[] {
  const match = LAST_WORD.exec(text);
  if (!match) return [];
  const start = (match[2] ?? "").toLowerCase();
  return state.people
    .filter((person) => person.id !== state.me.id && person.name.toLowerCase().startsWith(start))
    .map((person) => ({ title: `@${person.name}`, words: person.real_name, text: text.replace(LAST_WORD, `$1@${person.name} `) }));
}

function Hints({ hints, chosen, pick }: { hints: Hint[]; chosen: number; pick: (hint: Hint) => void }) {
  if (!hints.length) return null;
  return (
    <ul className="hints" role="listbox" aria-label="Suggestions">
      {hints.map((hint, at) => (
        <li key={hint.title} role="option" aria-selected={at === chosen} onMouseDown={(event) => { event.preventDefault(); pick(hint); }}>
          <b>{hint.title}</b> <span className="muted">{hint.words}</span>
        </li>
      ))}
    </ul>
  );
}

export function Composer({ channel, threadTs, label, placeholder }: Props) {
  const { state, act } = usePage();
  const [text, setText] = useState("");
  const [chosen, choose] = useState(0);
  const [note, setNote] = useState("");
  const area = useRef<HTMLTextAreaElement>(null);
  const hints = [...commandHints(state, text), ...mentionHints(state, text)];

  const pick = (hint: Hint) => {
    setText(hint.text);
    choose(0);
    area.current?.focus();
  };
  const send = () => {
    const words = text.trim();
    if (!words) return;
    const command = words.startsWith("/");
    if (command && threadTs) return setNote(`${words.split(/\s/)[0]} is not supported in threads. Sorry!`); // as Slack does
    setText("");
    setNote("");
    if (command) void act("command", { channel, text: words });
    else void act("message", { channel, text: words, thread_ts: threadTs });
  };
  const keys: Record<string, () => void> = {
    Enter: send,
    ...(hints.length && {
      Tab: () => pick(hints[chosen] as Hint),
      ArrowDown: () => choose((chosen + 1) % hints.length),
      ArrowUp: () => choose((chosen + hints.length - 1) % hints.length),
    }),
  };
  // Enter takes a half-typed suggestion first: `/a` is no command, `@al` nobody.
  if (hints.length && hints[chosen]?.title !== text.trim() && !text.endsWith(`@${hints[chosen]?.title.slice(1)}`)) keys.Enter = keys.Tab as () => void;
  const onKeyDown = (event: React.KeyboardEvent) => {
    const go = keys[event.key];
    if (!go || event.shiftKey || event.nativeEvent.isComposing) return;
    event.preventDefault();
    go();
  };
  return (
    <div className="composer-space">
      <Hints hints={hints} chosen={chosen} pick={pick} />
      {note && <div className="composer-note" role="alert">{note}</div>}
      <form className="composer" onSubmit={(event) => { event.preventDefault(); send(); }}>
        <textarea
          ref={area}
          rows={1}
          aria-label={label}
          placeholder={placeholder}
          value={text}
          onChange={(event) => { setText(event.target.value); choose(0); setNote(""); }}
          onKeyDown={onKeyDown}
        />
        <button type="submit" className="send" aria-label="Send" disabled={!text.trim()}>➤</button>
      </form>
    </div>
  );
}
