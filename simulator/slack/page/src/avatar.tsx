/** A person's picture: initials on a colour that stays theirs. */
import type { Person } from "./types";

const COLOURS = ["#3d7ea6", "#b5651d", "#5b8c5a", "#8e5ea2", "#b0413e", "#2f7f79"];

function colourOf(id: string): string {
  const sum = [...id].reduce((n, letter) => n + letter.charCodeAt(0), 0);
  return COLOURS[sum % COLOURS.length] ?? "#3d7ea6";
}

export function Avatar({ person, id, small }: { person: Person | undefined; id: string; small?: boolean }) {
  const words = person?.real_name || person?.name || id;
  const initials = words.split(/\s+/).map((word) => word[0] ?? "").join("").slice(0, 2).toUpperCase();
  const bot = person?.is_bot;
  return (
    <span className={`avatar${small ? " small" : ""}${bot ? " bot" : ""}`} style={bot ? undefined : { background: colourOf(id) }} aria-hidden="true">
      {bot ? "✳" : initials}
    </span>
  );
}
