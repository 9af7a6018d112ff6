/* The whole page: the current selection, what depends on it, and the address that stores it. */
'use strict';
(() => {
  const { study, element, said } = Review;
  const at = id => document.getElementById(id);
  const LINES = ['annotation', 'evidence', 'artefact', 'grid'];
  const state = {
    slide: 0, model: 0, explainer: 0, seed: study.models[0].seed, fold: study.models[0].fold,
    layer: 'attribution', opacity: study.opacity, gain: 1, grey: true, hatch: true, score: firstScore(), tile: null,
    other: null,
  };
  let slide = null, turn = 0;
  const parts = {
    title: at('tile-title'), facts: at('tile-facts'), tissue: at('tile-tissue'), map: at('tile-map'),
    mapSaid: at('tile-map-said'), all: at('tile-all'), said: at('tile-said'),
  };
  const picked = row => slide && row !== null && pickTile(row);
  const pressed = Review.keysOf({
    layer: name => { const box = document.querySelector(`input[name="layer"][value="${name}"]`); if (box) box.click(); },
    flip: name => at(name).disabled || at(name).click(), fade: step => fade(state.opacity + step), note: () => at('note').focus(),
    step: (what, by) => stepChoice(what, by), help: () => { at('keys').open = !at('keys').open; at('keys').scrollIntoView({ block: 'nearest' }); },
  });
  const viewer = new Review.Viewer(at('viewer'), { picked, pressed, moved: showScale, navigator: true });
  let second = null;
  const panes = () => second && state.other ? [viewer, second] : [viewer];
  const notes = new Review.Notes(
    { add: at('note-add'), save: at('note-save'), text: at('note'), said: at('note-said'), list: at('note-list') },
    {
      place: () => state.tile === null ? { box: viewer.seen(), tile: null } : { box: boxOf(state.tile), tile: slide.table.ids[state.tile] },
      map: () => `${study.explainers[state.explainer].id}, ${study.models[state.model].words}`,
      go: note => viewer.goTo(note), changed: list => panes().forEach(pane => pane.slide && pane.pin(list)),
    });

  function firstScore() {
    const found = study.scores.findIndex(score => score.ranks);
    return found < 0 ? null : found;
  }

  const seedName = model => `${model.fold === null ? '' : `fold ${model.fold}, `}seed ${model.seed}`;
  const arms = [...new Set(study.models.map(model => model.arm))];
  const modelsOf = arm => study.models.map((model, number) => [model, number]).filter(([model]) => model.arm === arm);

  function options(select, entries) {
    select.replaceChildren(...entries.map(([value, words]) => element('option', words, { value })));
  }

  function fillChoices() {
    options(at('slide'), study.slides.map((id, number) => [number, id]));
    options(at('arm'), arms.map((arm, number) => [number, arm]));
    fillWords();
    const groups = [['Explainers', false], ['Controls (maps to beat)', true]].map(([label, control]) => {
      const group = element('optgroup', '', { label });
      study.explainers.forEach((explainer, number) => {
        if (explainer.control === control) group.append(element('option', explainer.id, { value: number }));
      });
      return group;
    });
    at('explainer').replaceChildren(...groups.filter(group => group.children.length));
    options(at('other-model'), study.models.map((model, number) => [number, model.words]));
    options(at('other-explainer'), [...study.explainers.map((explainer, number) => [number, explainer.id]), ...(study.by === 'slide' ? [] : [[-1, 'prediction']]), [-2, 'no map']]);
    at('title').textContent = study.study;
    if (study.by === 'slide') document.querySelector('input[name="layer"][value="probability"]').parentElement.remove();
    const few = study.slides.length < study.reviewed ? `; ${study.slides.length} of ${study.reviewed} explained slides are shown, the tables hold all` : '';
    at('subtitle').textContent = `attribution to ${study.target}${few}`;
    Review.showKey(at('key'));
    const failed = at('failed');
    failed.hidden = !study.failed.length;
    failed.querySelector('summary').textContent = `${study.failed.length} result${study.failed.length === 1 ? '' : 's'} not available`;
    failed.querySelector('ul').replaceChildren(...study.failed.map(([label, why]) => element('li', `${label}: ${why}`)));
  }

  function fillWords() {
    const list = pairs => pairs.flatMap(([name, words]) => [element('dt', name), element('dd', words)]);
    at('keys').querySelector('dl').replaceChildren(...list(Review.KEYS));
    at('words').querySelector('dl').replaceChildren(...list(Review.WORDS));
    for (const canvas of document.querySelectorAll('i.hatch')) canvas.style.backgroundImage = `url(${Review.hatch().toDataURL()})`;
  }

  function boxOf(row) {
    const { x, y, e } = slide.table;
    return { x: x[row], y: y[row], width: e[row], height: e[row] };
  }

  function fillSeeds() {
    const known = modelsOf(study.models[state.model].arm);
    options(at('seed'), known.map(([model, number]) => [number, seedName(model)]));
  }

  /* Show the current selection in the controls. */
  function showChoices() {
    fillSeeds();
    at('slide').value = state.slide;
    at('arm').value = arms.indexOf(study.models[state.model].arm);
    at('seed').value = state.model;
    at('explainer').value = state.explainer;
    at('opacity').value = Math.round(state.opacity * 100);
    at('opacity-said').textContent = `${Math.round(state.opacity * 100)} %`;
    at('gain').value = state.gain;
    at('grey').checked = state.grey;
    at('hatch').checked = state.hatch;
    at('kind').textContent = Review.KINDS[study.explainers[state.explainer].kind];
    at('compare').checked = state.other !== null;
    at('other').hidden = state.other === null;
    if (state.other) { at('other-model').value = state.other.model; at('other-explainer').value = state.other.explainer; }
    document.querySelector(`input[name="layer"][value="${state.layer}"]`).checked = true;
    at('slide-said').textContent = `slide ${state.slide + 1} of ${study.slides.length}`;
    at('slide-before').disabled = state.slide === 0;
    at('slide-after').disabled = state.slide === study.slides.length - 1;
  }

  async function showSlide() {
    const own = ++turn, next = await Review.slide(state.slide);
    if (own !== turn) return;
    slide = null;
    if (state.tile !== null && state.tile >= next.table.ids.length) state.tile = null;
    await Promise.all(panes().map(pane => pane.open(next)));
    if (own !== turn) return;
    slide = next;
    await notes.open(slide);
    if (own !== turn) return;
    for (const name of LINES) {
      const box = at(`outline-${name}`), there = name === 'grid' || (slide.outlines[name] || []).length > 0;
      box.disabled = !there;
      box.parentElement.classList.toggle('off', !there);
      for (const pane of panes()) pane.show(name, box.checked);
    }
    showSmaller();
    await showMap();
  }

  /* Show everything that depends on model and explainer. */
  async function showMap() {
    if (!slide) return;
    const own = ++turn, of = slide;
    showChoices();
    const shown = shownNow();
    const codes = await layOn(viewer, of, state.model, shown);
    if (own !== turn) return;
    const kind = state.layer === 'probability' ? 'probability' : Review.signOf(state.explainer);
    at('status').textContent = codes || state.layer === 'none' ? '' : `Not available: ${whyNoMap()}.`;
    const there = await Review.mapped(of, state.model, state.explainer);
    await showOther(of);
    if (own !== turn) return;
    showLegend(kind, there);
    showFacts(there);
    at('judged').textContent = `${study.explainers[state.explainer].id} · ${study.models[state.model].words} · ${of.id}: ${study.by === 'slide' ? 'scores of' : 'means over'} this slide.`;
    Review.showScores(at('scores'), of, state, pickScore);
    at('score-said').textContent = Review.scoreWords(of, state);
    await Review.showLists(at('lists'), at('lists-title'), of, state, pickTile);
    if (own === turn) await showTile();
    document.body.dataset.shown = [state.slide, state.model, state.explainer, state.layer].join();
  }

  /* Lay a map over a pane: of an explainer, -1 the prediction, -2 none. Returns its codes, or null. */
  async function layOn(pane, of, model, shown) {
    const codes = shown === -2 ? null : await Review.layer(of, model, shown);
    const there = shown < 0 ? null : await Review.mapped(of, model, shown);
    if (of !== pane.slide) return codes;
    const kind = shown === -1 ? 'probability' : shown === -2 ? 'magnitude' : Review.signOf(shown), { gain } = state;
    const fine = shown < 0 || study.by === 'slide' ? null : (row, ready) => there && there[row] ? Review.fineMap(of, row, [model, shown], gain, ready) : null;
    pane.lay(codes && Review.painted(codes, of.layers.width, of.layers.height, kind, gain), state.opacity, state.grey, fine);
    pane.mask(codes ? there : null, state.hatch);
    return codes;
  }

  /* What the first pane shows: of an explainer, -1 the prediction, -2 none. */
  function shownNow() { return { none: -2, probability: -1 }[state.layer] ?? state.explainer; }

  function wordsOf(shown) {
    if (shown === -2) return 'The slide itself.';
    return shown === -1 ? `Predicted probability of ${study.target}.` : Review.colourWords(study.explainers[shown]);
  }

  async function showOther(of) {
    if (!state.other || !second || second.slide !== of) return;
    const { model, explainer } = state.other, codes = await layOn(second, of, model, explainer), words = wordsOf(explainer);
    at('mine').textContent = `${study.models[state.model].words}: ${{ none: 'no map', probability: 'prediction' }[state.layer] || study.explainers[state.explainer].id}`;
    at('mine-said').textContent = wordsOf(shownNow());
    at('other-said').textContent = codes || explainer === -2 ? words : `Not available: ${of.why.get(`${model},${explainer}`) || 'there is no such map'}.`;
  }

  /* A second pane, in step with the first: another arm, a control, or the slide itself. */
  async function compare(on) {
    state.other = on ? { model: state.model, explainer: rivalOf(state.explainer) } : null;
    const view = viewer.osd.viewport, whole = view.getZoom() < view.getHomeZoom() * 1.01, before = view.getBounds();
    for (const name of ['other', 'mine', 'mine-said']) at(name).hidden = !on;
    if (on && !second) {
      second = new Review.Viewer(at('viewer-2'), { picked, pressed, moved: () => viewer.follow(second) });
    }
    viewer.osd.forceResize();
    if (whole) view.goHome(true);
    else view.fitBounds(before, true);
    if (on) {
      second.osd.forceResize();
      await second.open(slide);
      for (const name of LINES) second.show(name, at(`outline-${name}`).checked);
      second.pin(viewer.notes);
      second.follow(viewer);
    }
    await showMap();
  }

  /* What a map is held against first: a control if there is one. */
  function rivalOf(explainer) {
    const control = study.explainers.findIndex((own, number) => own.kind === 'control' && number !== explainer);
    return control < 0 ? -2 : control;
  }

  function stepChoice(what, by) {
    const count = what === 'model' ? study.models.length : study.explainers.length, next = (state[what] + by + count) % count;
    if (what === 'model') setModel(next);
    else state.explainer = next;
    showMap();
  }

  function whyNoMap() {
    if (state.layer === 'probability') return 'this model was not evaluated on this slide';
    return slide.why.get(`${state.model},${state.explainer}`) || 'the map contains no tile';
  }

  async function showTile() {
    if (!slide) return;
    const there = state.tile !== null;
    at('tile').hidden = !there;
    at('tile-hint').hidden = there;
    for (const pane of panes()) pane.slide && pane.mark(state.tile);
    Review.markListed(at('lists'), state.tile);
    const outlined = LINES.filter(name => at(`outline-${name}`).checked);
    if (there) await Review.showTile(parts, slide, { ...state, outlined }, pickMap);
    writeDown();
  }

  function showLegend(kind, there) {
    const pen = at('legend-bar').getContext('2d'), codes = Uint8Array.from({ length: 256 }, (_, i) => Math.max(1, i));
    const from = kind === 'magnitude' ? 128 : 1;
    const shown = Uint8Array.from(codes, (_, i) => Math.round(from + i / 255 * (255 - from)));
    pen.fillStyle = state.layer !== 'none' && state.grey ? 'rgb(190,190,190)' : '#fff';
    pen.fillRect(0, 0, 256, 14);
    at('legend').hidden = state.layer === 'none';
    if (state.layer === 'none') return;
    pen.globalAlpha = state.opacity;
    pen.drawImage(Review.painted(shown, 256, 1, kind, 1), 0, 0, 256, 14);
    pen.globalAlpha = 1;
    showTicks();
    const words = kind === 'probability' ? Review.probabilityWords() : Review.legendWords(state.explainer, state.model, state.gain);
    at('legend-said').replaceChildren(...words.map(sentences => element('span', sentences.join(' '))));
    const bare = kind !== 'probability' && there && there.some((one, row) => !one && !slide.table.failed.includes(row));
    at('legend-hatch').hidden = !(bare && state.hatch);
    at('legend-hatch').querySelector('span').textContent = `Not explained: ${Review.explainedWords(there, slide.table)} tiles have a map. Hatched is not zero, it is unknown.`;
  }

  function showTicks() {
    const kind = state.layer === 'probability' ? 'probability' : Review.signOf(state.explainer);
    const { limit, tile_limit } = study.explainers[state.explainer], end = said((viewer.drawnFine ? tile_limit : limit) / state.gain);
    const ticks = { signed: [`−${end}`, '0', end], magnitude: ['0', end], probability: ['0', '0.5', '1'] }[kind];
    at('legend-ticks').replaceChildren(...ticks.map(tick => element('span', tick)));
  }

  function showFacts(there) {
    const accuracy = study.accuracy[state.model], counts = {}, { table } = slide;
    for (const label of table.label) counts[table.labels[label] || 'no label'] = (counts[table.labels[label] || 'no label'] || 0) + 1;
    const share = ([right, all]) => `${(100 * right / all).toFixed(1)} % of ${all}`;
    const whole = Object.values(accuracy).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    const facts = [
      ['Slide score', slide.slide_scores[state.model] === null ? 'not evaluated' : `${said(slide.slide_scores[state.model])} for ${study.target}`],
      ['Tiles explained', Review.explainedWords(there, table)],
      ['Labels of the tiles', Object.entries(counts).map(([label, count]) => `${count} ${label}`).join(', ')],
      study.by === 'slide' ? ['Label of the slide', slide.label || 'none'] : ['Labelled tiles predicted correctly', whole[1] ? `${accuracy[slide.id] ? `${share(accuracy[slide.id])} here; ` : ''}${share(whole)} on all slides` : 'not evaluated'],
    ];
    const arm = study.performance[study.models[state.model].arm] || [];
    const auroc = arm.find(row => row.name === `${study.by} auroc`) || arm[0];
    if (auroc) facts.push([`Arm, ${auroc.name}`, Review.bounded(auroc.value, auroc.low, auroc.high)]);
    at('facts').replaceChildren(...facts.flatMap(([name, value]) => [element('dt', name), element('dd', value)]));
  }

  function showSmaller() {
    const { layers, picture, details, table, scores, outlines } = slide;
    const kept = details.tiles.length === table.ids.length ? 'All tiles are' : `${details.tiles.length} of ${table.ids.length} tiles (${study.by === 'slide' ? 'the highest and lowest values' : 'the most and least faithful'} and an even sample) are`;
    const lines = [
      slide.deep ? `The slide is shown down to ${slide.deep.um.toPrecision(3)} µm per pixel${slide.deep.tiles ? ' where there are tiles, with lossy compression' : ', as the file has it'}.`
        : `The slide is shown at ${picture.width} × ${picture.height} pixels (${(slide.size[0] * slide.um / picture.width).toPrecision(3)} µm each), with lossy compression. Areas without tiles are less sharp.`,
      `Maps have pixels of ${layers.um.toPrecision(3)} µm${layers.factor > 1 ? `, means of ${layers.factor} × ${layers.factor} drawn pixels` : ''}, and 255 steps.`,
      `${kept} stored in detail here, with maps of ${details.side} × ${details.side} pixels${details.all_seeds ? '' : ' for the first seed only'}.`,
      scores.kept === 'all' ? `Scores of all tiles are stored, in ${scores.levels} steps.` : `Scores are stored for the ${scores.listed} most and least faithful tiles per map, in ${scores.levels} steps.`,
      `Outlines are accurate to ${outlines.tolerance} pixels of the thumbnail. Means and intervals use the exact scores.`,
    ];
    at('smaller').querySelector('div').replaceChildren(...lines.map(line => element('p', line)));
  }

  function showScale() {
    if (state.other && second) second.follow(viewer);
    showTicks();
    const um = viewer.umPerPixel(), longest = um * 110, power = 10 ** Math.floor(Math.log10(longest));
    const length = Math.max(...[1, 2, 5].map(step => step * power).filter(step => step <= longest));
    at('scale').querySelector('i').style.width = `${length / um}px`;
    at('scale').querySelector('span').textContent = length < 1000 ? `${length} µm` : `${length / 1000} mm`;
    at('where').textContent = Review.scaleWords(um, viewer.finest());
    document.body.dataset.um = um;
  }

  /* The address stores what is shown, so that it can be shared. Not every frame allows it. */
  function writeDown() {
    const { arm, seed, fold } = study.models[state.model];
    const told = { slide: slide.id, arm, seed, ...(fold === null ? {} : { fold }), explainer: study.explainers[state.explainer].id, layer: state.layer };
    if (state.tile !== null) told.tile = slide.table.ids[state.tile];
    try {
      history.replaceState(null, '', `#${new URLSearchParams(told)}`);
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
    }
  }

  async function readBack() {
    const told = new URLSearchParams(location.hash.slice(1)), number = (list, value) => Math.max(0, list.indexOf(value));
    state.slide = number(study.slides, told.get('slide'));
    state.explainer = number(study.explainers.map(explainer => explainer.id), told.get('explainer'));
    const own = modelsOf(told.get('arm')), same = (value, name) => value === null || String(value) === told.get(name);
    const found = own.find(([model]) => same(model.seed, 'seed') && same(model.fold, 'fold')) || own[0];
    setModel(found ? found[1] : 0);
    if (document.querySelector(`input[name="layer"][value="${CSS.escape(told.get('layer') || '')}"]`)) state.layer = told.get('layer');
    const row = (await Review.slide(state.slide)).table.ids.indexOf(told.get('tile'));
    state.tile = row < 0 ? null : row;
  }

  function setModel(number) {
    state.model = number;
    state.seed = study.models[number].seed;
    state.fold = study.models[number].fold;
  }

  function pickArm(number) {
    const own = modelsOf(arms[number]);
    const same = own.find(([model]) => model.seed === state.seed && model.fold === state.fold) || own[0];
    setModel(same[1]);
    showMap();
  }

  function pickSlide(number) {
    state.slide = Math.max(0, Math.min(study.slides.length - 1, number));
    state.tile = null;
    showSlide();
  }

  function pickScore(score) { state.score = score; showMap(); }
  function pickMap(model, explainer) { setModel(model); state.explainer = explainer; state.layer = 'attribution'; showMap(); }

  async function pickTile(row) {
    state.tile = row;
    const closed = at('tile').hidden;
    await showTile();
    if (closed) viewer.osd.forceResize();
    viewer.reveal(row);
  }

  function stepTile(step) {
    const count = slide.table.ids.length;
    pickTile((state.tile + step + count) % count);
  }

  function closeTile() {
    state.tile = null;
    showTile();
    at('viewer').querySelector('.openseadragon-canvas').focus();
  }

  function fade(opacity) {
    state.opacity = Math.max(0, Math.min(1, Math.round(opacity * 20) / 20));
    at('opacity').value = Math.round(state.opacity * 100);
    at('opacity-said').textContent = `${at('opacity').value} %`;
    for (const pane of panes()) pane.veil(state.opacity, state.grey && pane.map !== null);
  }

  function wire() {
    const on = (id, name, told) => at(id).addEventListener(name, told);
    on('slide', 'change', event => pickSlide(Number(event.target.value)));
    on('slide-before', 'click', () => pickSlide(state.slide - 1));
    on('slide-after', 'click', () => pickSlide(state.slide + 1));
    on('arm', 'change', event => pickArm(Number(event.target.value)));
    on('seed', 'change', event => { setModel(Number(event.target.value)); showMap(); });
    on('explainer', 'change', event => { state.explainer = Number(event.target.value); showMap(); });
    on('gain', 'change', event => { state.gain = Number(event.target.value); showMap(); });
    on('grey', 'change', event => { state.grey = event.target.checked; showMap(); });
    on('hatch', 'change', event => { state.hatch = event.target.checked; showMap(); });
    on('compare', 'change', event => compare(event.target.checked));
    on('other-model', 'change', event => { state.other.model = Number(event.target.value); showMap(); });
    on('other-explainer', 'change', event => { state.other.explainer = Number(event.target.value); showMap(); });
    on('opacity', 'input', event => fade(Number(event.target.value) / 100));
    on('opacity', 'change', () => showMap());
    for (const radio of document.querySelectorAll('input[name="layer"]')) {
      radio.addEventListener('change', () => { state.layer = radio.value; showMap(); });
    }
    for (const name of LINES) on(`outline-${name}`, 'change', event => {
      for (const pane of panes()) pane.show(name, event.target.checked);
      showTile();
    });
    on('zoom-in', 'click', () => viewer.zoom(1.5));
    on('zoom-out', 'click', () => viewer.zoom(1 / 1.5));
    on('zoom-fit', 'click', () => viewer.fit());
    on('tile-before', 'click', () => stepTile(-1));
    on('tile-after', 'click', () => stepTile(1));
    on('tile-close', 'click', closeTile);
    on('tile', 'keydown', event => { if (event.key === 'Escape') closeTile(); });
    Review.withArrows(at('lists'));
  }

  fillChoices();
  wire();
  Review.pane = viewer;
  readBack().then(showSlide).catch(error => { at('status').textContent = error.message; throw error; });
})();
