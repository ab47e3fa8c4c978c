/** The elements that hold a value: fields, selects, checkboxes, radio buttons, dates. */
import { useEffect, useId, useState } from "react";
import { usePage } from "../context";
import { Text, plainOf } from "../mrkdwn";
import { useSurface } from "../surface";
import type { Value } from "../surface";
import type { Element, Option } from "../types";

export interface FieldProps {
  element: Element;
  blockId: string;
  /** The id of the visible label, if there is one. */
  labelledBy?: string | undefined;
  /** Whether a change is an action of its own (`actions`, accessory) or waits for the submit (`input`). */
  dispatches: boolean;
}

/** Hold a value; what it means to Slack goes to the surface. */
function useValue<Held>({ element, blockId, dispatches }: FieldProps, initial: Held, meaning: (held: Held) => Value) {
  const { click, keep } = useSurface();
  const actionId = element.action_id ?? "";
  const [held, setHeld] = useState(initial);
  useEffect(() => keep(blockId, actionId, meaning(initial)), []); // once: later values are kept as they change
  const change = (next: Held) => {
    setHeld(next);
    keep(blockId, actionId, meaning(next));
    if (dispatches) click(blockId, actionId, meaning(next));
  };
  return [held, change] as const;
}

const HTML_TYPES: Record<string, string> = {
  email_text_input: "email",
  url_text_input: "url",
  number_input: "number",
  datepicker: "date",
  timepicker: "time",
  datetimepicker: "datetime-local",
};

const PICKERS = ["datepicker", "timepicker", "datetimepicker"];

function initialText(element: Element): string {
  const { initial_value, initial_date, initial_time, initial_date_time } = element;
  if (typeof initial_date_time === "number") return new Date(initial_date_time * 1000).toISOString().slice(0, 16);
  return String(initial_value ?? initial_date ?? initial_time ?? "");
}

function textMeaning(element: Element): (text: string) => Value {
  if (element.type === "datetimepicker") return (text) => (text ? Date.parse(`${text}Z`) / 1000 : null);
  return (text) => text || null;
}

export function TextField(props: FieldProps) {
  const { element, labelledBy } = props;
  const dispatches = props.dispatches && PICKERS.includes(element.type);
  const [text, change] = useValue({ ...props, dispatches }, initialText(element), textMeaning(element));
  const shared = {
    className: "field",
    "aria-labelledby": labelledBy,
    value: text,
    placeholder: plainOf(element.placeholder),
    maxLength: element.max_length as number | undefined,
    onChange: (event: { target: { value: string } }) => change(event.target.value),
  };
  if (element.multiline) return <textarea rows={5} {...shared} />;
  return <input type={HTML_TYPES[element.type] ?? "text"} {...shared} />;
}

interface Choice {
  key: string;
  words: string;
  option?: Option;
}

function useChoices(element: Element): Choice[] {
  const { state } = usePage();
  if (element.type.includes("users")) return state.people.filter((p) => !p.is_bot).map((p) => ({ key: p.id, words: p.real_name }));
  if (/conversations|channels/.test(element.type)) {
    return state.channels.filter((c) => c.kind === "channel").map((c) => ({ key: c.id, words: `#${c.name}` }));
  }
  const options = [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((group) => group.options)];
  return options.map((option) => ({ key: option.value, words: plainOf(option.text), option }));
}

function initialKeys(element: Element): string[] {
  const { initial_options, initial_users, initial_conversations, initial_channels } = element;
  const many = (initial_options ?? initial_users ?? initial_conversations ?? initial_channels) as unknown[] | undefined;
  const one = element.initial_option ?? element.initial_user ?? element.initial_conversation ?? element.initial_channel;
  return (many ?? (one ? [one] : [])).map((held) => (typeof held === "string" ? held : (held as Option).value));
}

const chosen = (key: string): Value => key || null;
const all = (keys: string[]): Value => keys;

export function Select(props: FieldProps) {
  const { element, labelledBy } = props;
  const choices = useChoices(element);
  const [key, change] = useValue(props, initialKeys(element)[0] ?? "", chosen);
  const words = plainOf(element.placeholder) || "Select an option";
  return (
    <select className="field" aria-labelledby={labelledBy} aria-label={labelledBy ? undefined : words} value={key} onChange={(event) => change(event.target.value)}>
      <option value="" disabled={props.dispatches}>{words}</option>
      {choices.map((choice) => <option key={choice.key} value={choice.key}>{choice.words}</option>)}
    </select>
  );
}

function Words({ choice }: { choice: Choice }) {
  const { option } = choice;
  if (!option) return <span>{choice.words}</span>;
  return (
    <span className="option">
      <Text text={option.text} />
      {option.description && <span className="option-description"><Text text={option.description} /></span>}
    </span>
  );
}

/** Checkboxes, and every multi-select: a list to tick is the calm form of both. */
export function Ticks(props: FieldProps) {
  const { element, labelledBy } = props;
  const choices = useChoices(element);
  const [keys, change] = useValue(props, initialKeys(element), all);
  const toggle = (key: string) => change(keys.includes(key) ? keys.filter((k) => k !== key) : [...keys, key]);
  return (
    <div role="group" aria-labelledby={labelledBy} className="choices">
      {choices.map((choice) => (
        <label key={choice.key} className="choice">
          <input type="checkbox" checked={keys.includes(choice.key)} onChange={() => toggle(choice.key)} />
          <Words choice={choice} />
        </label>
      ))}
    </div>
  );
}

export function Radios(props: FieldProps) {
  const { element, labelledBy } = props;
  const name = useId();
  const choices = useChoices(element);
  const [key, change] = useValue(props, initialKeys(element)[0] ?? "", chosen);
  return (
    <div role="radiogroup" aria-labelledby={labelledBy} className="choices">
      {choices.map((choice) => (
        <label key={choice.key} className="choice">
          <input type="radio" name={name} checked={choice.key === key} onChange={() => change(choice.key)} />
          <Words choice={choice} />
        </label>
      ))}
    </div>
  );
}
