/** One interactive element, by its type. */
import { Button, FeedbackButtons, IconButton, Overflow } from "./button";
import { Radios, Select, TextField, Ticks } from "./inputs";
import type { FieldProps } from "./inputs";
import { Picture } from "./picture";

const SINGLE_SELECTS = ["static_select", "users_select", "conversations_select", "channels_select"];
const TEXT_FIELDS = ["plain_text_input", "email_text_input", "url_text_input", "number_input", "datepicker", "timepicker", "datetimepicker"];

export function ElementView(props: FieldProps) {
  const { element, blockId } = props;
  if (element.type === "button") return <Button element={element} blockId={blockId} />;
  if (element.type === "overflow") return <Overflow element={element} blockId={blockId} />;
  if (element.type === "feedback_buttons") return <FeedbackButtons element={element} blockId={blockId} />;
  if (element.type === "icon_button") return <IconButton element={element} blockId={blockId} />;
  if (element.type === "image") return <Picture url={element.image_url} alt={element.alt_text} />;
  if (element.type === "radio_buttons") return <Radios {...props} />;
  if (element.type === "checkboxes" || /^multi_(static|users|conversations|channels)_select$/.test(element.type)) return <Ticks {...props} />;
  if (SINGLE_SELECTS.includes(element.type)) return <Select {...props} />;
  if (TEXT_FIELDS.includes(element.type)) return <TextField {...props} />;
  return <span className="unsupported">This page cannot show the element “{element.type}”.</span>;
}
