// Twin of digitrec_edge/preprocess/frames.py.

import { findComponents } from "./components.mjs";
import { withoutEnclosures } from "./enclosures.mjs";
import { withoutRulings } from "./rulings.mjs";

/** More are noise, or a texture. */
const MAX_COMPONENTS = 65_536;

/**
 * Take what encloses and underlines digits out of a foreground.
 * @param {Foreground} foreground
 * @param {{labels: Plane, components: Component[]}} parts of its mask
 * @returns {Foreground|null} null when there is nothing of that kind
 */
export function withoutFrames(foreground, parts) {
  if (parts.components.length > MAX_COMPONENTS) return null;
  const unruled = withoutRulings(foreground, parts);
  if (unruled === null) return withoutEnclosures(foreground, parts);
  return withoutEnclosures(unruled, findComponents(unruled.mask)) || unruled;
}
