/* Keys of the viewer. They work while it has the focus, so that no letter typed elsewhere does anything. */
'use strict';
Review.keysOf = told => key => {
  const own = {
    1: () => told.layer('attribution'), 2: () => told.layer('probability'), 3: () => told.layer('none'),
    e: () => told.step('explainer', 1), E: () => told.step('explainer', -1),
    m: () => told.step('model', 1), M: () => told.step('model', -1),
    t: () => told.flip('outline-grid'), o: () => told.flip('outline-annotation'),
    v: () => told.flip('outline-evidence'), x: () => told.flip('outline-artefact'), u: () => told.flip('hatch'),
    '[': () => told.fade(-0.1), ']': () => told.fade(0.1),
    c: () => told.flip('compare'), n: () => told.note(), '?': () => told.help(),
  }[key];
  if (!own) return false;
  own();
  return true;
};

Review.KEYS = [
  ['arrow keys, + −, 0', 'move, zoom, whole slide'], ['Enter', 'open the tile in the middle'], ['Esc', 'close the tile'],
  ['1 2 3', 'attribution, prediction, no map'], ['e E', 'next, previous explainer'], ['m M', 'next, previous model'],
  ['[ ]', 'opacity down, up'], ['o v x t u', 'annotation, evidence, artefacts, tiles, hatching'], ['c', 'second pane'], ['n', 'write a note'], ['?', 'this list'],
];
