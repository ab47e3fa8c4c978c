/** The app's Home tab, as the app published it for this person. */
import { useEffect, useMemo } from "react";
import { Blocks } from "./blocks/blocks";
import { usePage } from "./context";
import { SurfaceContext } from "./surface";
import type { Surface } from "./surface";

export function Home() {
  const { state, act } = usePage();
  const { home } = state;
  useEffect(() => void act("home", { tab: "home" }), [act]);
  const surface: Surface = useMemo(
    () => ({
      click: (blockId, actionId, value) => void act("click", { view_id: home?.id, block_id: blockId, action_id: actionId, value }),
      keep: () => undefined,
      errors: {},
    }),
    [act, home?.id],
  );
  return (
    <section className="home" aria-label="App Home">
      {home ? (
        <SurfaceContext.Provider value={surface}><Blocks blocks={home.blocks} /></SurfaceContext.Provider>
      ) : (
        <p className="muted">{state.app.name} has not published a Home for you yet.</p>
      )}
    </section>
  );
}
