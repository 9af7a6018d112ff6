/* The whole page: the current selection, what depends on it, and the address that stores it. */
'use strict';
(() => {
  const { study, element, said } = Review;
  const at = id => document.getElementById(id);
  const LINES = ['annotation', 'evidence', 'artefact', 'grid'];
  const state = {
    slide: 0, model: 0, explainer: 0, seed: study.models[0].seed, fold: study.models[0].fold,
    layer: 'attribution', opacity: study.opacity, gain: 1, grey: true, score: firstScore(), tile: null,
  };
  let slide = null, turn = 0;
  const parts = {
    title: at('tile-title'), facts: at('tile-facts'), tissue: at('tile-tissue'), map: at('tile-map'),
    mapSaid: at('tile-map-said'), all: at('tile-all'), said: at('tile-said'),
  };
  const viewer = new Review.Viewer(at('viewer'), { picked: row => slide && row !== null && pickTile(row), moved: showScale });

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
    const groups = [['Explainers', false], ['Controls (see no trained model)', true]].map(([label, control]) => {
      const group = element('optgroup', '', { label });
      study.explainers.forEach((explainer, number) => {
        if (explainer.control === control) group.append(element('option', explainer.id, { value: number }));
      });
      return group;
    });
    at('explainer').replaceChildren(...groups.filter(group => group.children.length));
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
    await viewer.open(next);
    if (own !== turn) return;
    slide = next;
    for (const name of LINES) {
      const box = at(`outline-${name}`), there = name === 'grid' || (slide.outlines[name] || []).length > 0;
      box.disabled = !there;
      box.parentElement.classList.toggle('off', !there);
      viewer.show(name, box.checked);
    }
    showSmaller();
    await showMap();
  }

  /* Show everything that depends on model and explainer. */
  async function showMap() {
    if (!slide) return;
    const own = ++turn, of = slide;
    showChoices();
    const codes = state.layer === 'none' ? null : await Review.layer(of, state.model, state.layer === 'probability' ? -1 : state.explainer);
    if (own !== turn) return;
    const kind = state.layer === 'probability' ? 'probability' : Review.kindOf(state.explainer);
    viewer.lay(codes && Review.painted(codes, of.layers.width, of.layers.height, kind, state.gain), state.opacity, state.grey);
    at('status').textContent = codes || state.layer === 'none' ? '' : `Not available: ${whyNoMap()}.`;
    showLegend(kind);
    showFacts();
    at('judged').textContent = `${study.explainers[state.explainer].id} · ${study.models[state.model].words} · ${of.id}: ${study.by === 'slide' ? 'scores of' : 'means over'} this slide.`;
    Review.showScores(at('scores'), of, state, pickScore);
    at('score-said').textContent = Review.scoreWords(of, state);
    await Review.showLists(at('lists'), at('lists-title'), of, state, pickTile);
    if (own === turn) await showTile();
    document.body.dataset.shown = [state.slide, state.model, state.explainer, state.layer].join();
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
    viewer.mark(state.tile);
    Review.markListed(at('lists'), state.tile);
    const outlined = LINES.filter(name => at(`outline-${name}`).checked);
    if (there) await Review.showTile(parts, slide, { ...state, outlined }, pickMap);
    writeDown();
  }

  function showLegend(kind) {
    const pen = at('legend-bar').getContext('2d'), codes = Uint8Array.from({ length: 256 }, (_, i) => Math.max(1, i));
    const from = kind === 'magnitude' ? 128 : 1;
    const shown = Uint8Array.from(codes, (_, i) => Math.round(from + i / 255 * (255 - from)));
    const ground = state.layer !== 'none' && state.grey ? 'rgb(190,190,190)' : '#fff';
    pen.fillStyle = ground;
    pen.fillRect(0, 0, 256, 14);
    at('legend').hidden = state.layer === 'none';
    if (state.layer === 'none') return;
    pen.globalAlpha = state.opacity;
    pen.drawImage(Review.painted(shown, 256, 1, kind, 1), 0, 0, 256, 14);
    pen.globalAlpha = 1;
    const { limit, alone, id, free } = study.explainers[state.explainer], end = said(limit / state.gain);
    const ticks = { signed: [`−${end}`, '0', end], magnitude: ['0', end], probability: ['0', '0.5', '1'] }[kind];
    at('legend-ticks').replaceChildren(...ticks.map(tick => element('span', tick)));
    at('legend-said').textContent = kind === 'probability'
      ? `Predicted probability of ${study.target}: softmax of the logits, not rescaled. Overlapping tiles are averaged. Areas without colour have no predicted tile.`
      : `${id}: ${free ? 'one value for all classes' : `attribution to ${study.target} (its logit minus the mean of the others)`}, in raw units. ${kind === 'signed' ? 'Red supports the class, blue opposes it. The scale is centred at zero. ' : ''}`
        + `All slides and models share one scale. It ends at the median over models of the ${study.percentile}th percentile of |value|${state.gain > 1 ? `, divided by the contrast ${state.gain}` : ''}. Larger values are clipped. For this model alone, the scale would end at ${said(alone[state.model])}. ${study.by === 'slide' ? 'The square of a tile has its value, and squares that overlap their mean.' : `Smoothed by ${study.smoothing} µm.`} Faint colours are near zero.`;
  }

  function showFacts() {
    const accuracy = study.accuracy[state.model], counts = {}, { table } = slide;
    for (const label of table.label) counts[table.labels[label] || 'no label'] = (counts[table.labels[label] || 'no label'] || 0) + 1;
    const share = ([right, all]) => `${(100 * right / all).toFixed(1)} % of ${all}`;
    const whole = Object.values(accuracy).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
    const facts = [
      ['Slide score', slide.slide_scores[state.model] === null ? 'not evaluated' : `${said(slide.slide_scores[state.model])} for ${study.target}`],
      ['Tiles explained', `${slide.explained[0]} of ${slide.explained[1]}${slide.explained[0] < slide.explained[1] ? ', sampled by the hash of their names' : ''}`],
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
      `The slide is shown at ${picture.width} × ${picture.height} pixels (${(slide.size[0] * slide.um / picture.width).toPrecision(3)} µm each), with lossy compression. Areas without tiles are less sharp.`,
      `Maps have pixels of ${layers.um.toPrecision(3)} µm${layers.factor > 1 ? `, means of ${layers.factor} × ${layers.factor} drawn pixels` : ''}, and 255 steps.`,
      `${kept} stored in detail, with maps of ${details.side} × ${details.side} pixels${details.all_seeds ? '' : ' for the first seed only'}.`,
      scores.kept === 'all' ? `Scores of all tiles are stored, in ${scores.levels} steps.` : `Scores are stored for the ${scores.listed} most and least faithful tiles per map, in ${scores.levels} steps.`,
      `Outlines are accurate to ${outlines.tolerance} pixels of the thumbnail. Means and intervals use the exact scores.`,
    ];
    at('smaller').querySelector('div').replaceChildren(...lines.map(line => element('p', line)));
  }

  function showScale() {
    const um = viewer.umPerPixel(), longest = um * 110, power = 10 ** Math.floor(Math.log10(longest));
    const length = Math.max(...[1, 2, 5].map(step => step * power).filter(step => step <= longest));
    at('scale').querySelector('i').style.width = `${length / um}px`;
    at('scale').querySelector('span').textContent = length < 1000 ? `${length} µm` : `${length / 1000} mm`;
    at('where').textContent = `${um.toPrecision(3)} µm per pixel`;
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
    on('opacity', 'input', event => {
      state.opacity = Number(event.target.value) / 100;
      at('opacity-said').textContent = `${event.target.value} %`;
      viewer.veil(state.opacity, state.grey && state.layer !== 'none');
    });
    on('opacity', 'change', () => showMap());
    for (const radio of document.querySelectorAll('input[name="layer"]')) {
      radio.addEventListener('change', () => { state.layer = radio.value; showMap(); });
    }
    for (const name of LINES) on(`outline-${name}`, 'change', event => {
      viewer.show(name, event.target.checked);
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
  readBack().then(showSlide).catch(error => { at('status').textContent = error.message; throw error; });
})();
