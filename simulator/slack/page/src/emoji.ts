/** Emoji names as letters of Unicode; a name nobody knows stays as it was typed. */
import { get } from "node-emoji";

// Slack's names that the emoji tables call otherwise.
const SLACK_NAMES: Record<string, string> = {
  slightly_smiling_face: "🙂",
  thumbsup_all: "👍",
  large_green_circle: "🟢",
  large_yellow_circle: "🟡",
  white_small_square: "▫️",
};

const NAME = /:([a-z0-9_+'-]+):/g;

export function emojiOf(name: string): string | undefined {
  return SLACK_NAMES[name] ?? get(name) ?? undefined;
}

/** Replace every known `:name:` in the text. */
export function withEmoji(text: string): string {
  return text.replace(NAME, (whole, name: string) => emojiOf(name) ?? whole);
}
