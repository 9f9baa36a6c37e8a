/**
 * Children that move to their new places instead of jumping: first, last, invert, play.
 *
 * Places are taken relative to the parent, so that a parent that moves itself counts once.
 */

const MOVE = "move";
const MOVE_MS = 520;
const EASE = "cubic-bezier(.2, .8, .2, 1)";
const TIMING = { id: MOVE, duration: MOVE_MS, easing: EASE };
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Put `children`, in this order, into `parent`; what is not among them goes. */
export function arrange(parent, children) {
  const before = places(parent);
  for (const child of parent.children) settle(child);
  const focused = parent.contains(document.activeElement) ? document.activeElement : null;
  for (const child of [...parent.children]) if (!children.includes(child)) child.remove();
  children.forEach((child, at) => {
    if (parent.children[at] !== child) put(parent, child, parent.children[at] ?? null);
  });
  if (focused && document.activeElement !== focused) focused.focus({ preventScroll: true });
  if (parent.isConnected && !still.matches) animate(before, places(parent));
}

// Where browsers can, a child keeps focus and running animations while it is moved.
function put(parent, child, behind) {
  if (parent.moveBefore && child.parentNode === parent) parent.moveBefore(child, behind);
  else parent.insertBefore(child, behind);
}

// What is still on its way was measured on its way; where it belongs is measured without that.
function settle(child) {
  for (const animation of child.getAnimations()) if (animation.id === MOVE) animation.cancel();
}

function places(parent) {
  const origin = parent.getBoundingClientRect();
  const found = new Map();
  for (const child of parent.children) {
    const { left, top } = child.getBoundingClientRect();
    found.set(child, {
      x: left - origin.left + parent.scrollLeft,
      y: top - origin.top + parent.scrollTop,
    });
  }
  return found;
}

function animate(before, after) {
  for (const [child, to] of after) {
    const from = before.get(child);
    if (!from) {
      const enter = [{ opacity: 0, scale: 0.85 }, { opacity: 1, scale: 1 }];
      child.animate(enter, TIMING);
    } else if (Math.abs(from.x - to.x) + Math.abs(from.y - to.y) > 1) {
      const moved = { translate: `${from.x - to.x}px ${from.y - to.y}px` };
      child.animate([moved, { translate: "0 0" }], TIMING);
    }
  }
}
