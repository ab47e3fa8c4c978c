/** Message times as people read them; a `ts` is seconds with a fraction, as Slack writes it. */
import { formatMoment } from "./tokens";

export function clock(ts: string): string {
  return formatMoment(Number(ts), "{time}");
}

export function day(ts: string): string {
  return formatMoment(Number(ts), "{date_long_pretty}").replace(/^today$/, "Today");
}

export function when(ts: string): string {
  return formatMoment(Number(ts), "{date_short_pretty} at {time}");
}
