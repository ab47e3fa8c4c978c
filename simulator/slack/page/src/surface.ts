/** Where blocks stand (a message, a dialog, the Home tab) and so where a click or a value goes. */
import { createContext, useContext } from "react";

/** What a person chose or typed: an option's value, an id, a text, several of them, a moment in seconds; null is nothing. */
export type Value = string | string[] | number | null;
export type Values = Record<string, Record<string, Value>>;

export interface Surface {
  /** Press a button, or choose in a menu that acts at once. */
  click: (blockId: string, actionId: string, value?: Value) => void;
  /** Keep an input's value until the dialog is submitted. */
  keep: (blockId: string, actionId: string, value: Value) => void;
  /** Block id → what is wrong with its input. */
  errors: Record<string, string>;
}

export const SurfaceContext = createContext<Surface | null>(null);

export function useSurface(): Surface {
  const surface = useContext(SurfaceContext);
  if (!surface) throw new Error("blocks stand on no surface");
  return surface;
}
