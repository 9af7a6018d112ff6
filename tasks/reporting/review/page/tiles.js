/* Single tiles: lists of the most and least faithful tiles, and one tile with all its maps. */
'use strict';
Object.assign(Review, (() => {
  const { study, element, said } = Review;
  const LISTED = 6;
  const STROKES = {
    annotation: [['#fff', 5, []], ['#000', 2.5, []]],
    evidence: [['#fff', 3.5, []], ['#006e51', 2, [3, 3]]],
    artefact: [['#000', 5, []], ['#ffa62b', 3, [9, 6]]],
  };

  /* Draw a tile as the picture of the slide shows it. */
  function drawTissue(canvas, slide, row, image = null) {
    const pen = canvas.getContext('2d');
    pen.imageSmoothingEnabled = true;
    pen.imageSmoothingQuality = 'high';
    if (image) { pen.drawImage(image, 0, 0, canvas.width, canvas.height); return; }
    const { x, y, e } = slide.table, scale = slide.picture.width / slide.size[0], down = slide.picture.height / slide.size[1];
    pen.drawImage(slide.image, x[row] * scale, y[row] * down, e[row] * scale, e[row] * down, 0, 0, canvas.width, canvas.height);
  }

  function paleGrey(canvas) {
    const pen = canvas.getContext('2d'), data = pen.getImageData(0, 0, canvas.width, canvas.height);
    for (let i = 0; i < data.data.length; i += 4) {
      const grey = 0.299 * data.data[i] + 0.587 * data.data[i + 1] + 0.114 * data.data[i + 2];
      data.data[i] = data.data[i + 1] = data.data[i + 2] = 255 - 0.45 * (255 - grey);
    }
    pen.putImageData(data, 0, 0);
  }

  /* Draw the selected outlines of the slide over a tile. */
  function drawOutlines(canvas, slide, row, names) {
    const pen = canvas.getContext('2d'), { x, y, e } = slide.table, { outlines, size } = slide;
    const across = canvas.width / e[row] * size[0] / outlines.width, down = canvas.height / e[row] * size[1] / outlines.height;
    for (const name of names.filter(own => STROKES[own])) {
      const path = new Path2D(), shift = new DOMMatrix([across, 0, 0, down, -x[row] * canvas.width / e[row], -y[row] * canvas.height / e[row]]);
      path.addPath(new Path2D(Review.outlinePath(slide, name)), shift);
      for (const [colour, width, dashes] of STROKES[name]) {
        pen.strokeStyle = colour;
        pen.lineWidth = width;
        pen.setLineDash(dashes);
        pen.stroke(path);
      }
    }
  }

  /* Draw a tile with one of its maps. Returns false where there is no map. */
  async function drawMap(canvas, slide, row, pair, state) {
    const detail = await Review.detail(slide, row), own = detail && detail.maps.get(pair.join());
    const codes = own ? null : await Review.layer(slide, ...pair);
    drawTissue(canvas, slide, row, detail && detail.image);
    if (state.grey) paleGrey(canvas);
    if (!own && !codes) return false;
    const pen = canvas.getContext('2d');
    if (await Review.whyNoMap(slide, row, ...pair)) { drawHatch(pen, canvas); return false; }
    pen.globalAlpha = state.opacity;
    pen.imageSmoothingEnabled = !own;
    if (own) {
      const painted = Review.painted(own, detail.side, detail.side, Review.signOf(pair[1]), state.gain);
      pen.drawImage(painted, 0, 0, canvas.width, canvas.height);
    } else {
      drawCut(pen, canvas, slide, row, await wholePainted(slide, pair, codes, state.gain));
    }
    pen.globalAlpha = 1;
    return true;
  }

  function drawHatch(pen, canvas) {
    pen.fillStyle = pen.createPattern(Review.hatch(), 'repeat');
    pen.fillRect(0, 0, canvas.width, canvas.height);
  }

  function wholePainted(slide, pair, codes, gain) {
    const { width, height } = slide.layers;
    if (!slide.paintedMaps || slide.paintedGain !== gain) { slide.paintedMaps = new Map(); slide.paintedGain = gain; }
    const key = pair.join();
    if (!slide.paintedMaps.has(key)) slide.paintedMaps.set(key, Review.painted(codes, width, height, Review.signOf(pair[1]), gain));
    return slide.paintedMaps.get(key);
  }

  function drawCut(pen, canvas, slide, row, painted) {
    const { x, y, e } = slide.table, { width, height, across, down } = slide.layers;
    const scale = width / across / slide.size[0], below = height / down / slide.size[1];
    pen.drawImage(painted, x[row] * scale, y[row] * below, e[row] * scale, e[row] * below, 0, 0, canvas.width, canvas.height);
  }

  function tileButton(slide, row, words, picked) {
    const button = element('button', '', { type: 'button', 'data-row': row });
    const canvas = element('canvas', '', { width: 92, height: 92, 'aria-hidden': 'true' });
    drawTissue(canvas, slide, row);
    button.append(canvas, words);
    button.setAttribute('aria-label', `Tile ${slide.table.ids[row]}, ${words}`);
    button.addEventListener('click', () => picked(row));
    return button;
  }

  /* Arrow keys move between the tiles of both lists. */
  function withArrows(panel) {
    panel.addEventListener('keydown', event => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const all = [...panel.querySelectorAll('button')], at = all.indexOf(document.activeElement);
      if (!step || at < 0) return;
      event.preventDefault();
      all[(at + step + all.length) % all.length].focus();
    });
  }

  async function showLists(panel, title, slide, state, picked) {
    const score = state.score === null ? null : study.scores[state.score];
    const values = score && await Review.tileScores(slide, state.model, state.explainer, state.score);
    panel.replaceChildren();
    const own = score && score.of_map;
    title.textContent = score ? `Tiles by ${own ? score.metric : Review.scoreName(score)}` : 'Tiles';
    const heads = own ? ['Highest values', 'Lowest values'] : ['Most faithful', 'Least faithful'];
    if (!values) {
      panel.append(element('p', score ? 'No tile of this map has this score.' : 'No score ranks the tiles of this study.', { class: 'soft' }));
      return;
    }
    const order = [...values.keys()].filter(row => !Number.isNaN(values[row])).sort((a, b) => values[a] - values[b]);
    if (score.direction === 'higher') order.reverse();
    const few = Math.min(LISTED, Math.ceil(order.length / 2));
    for (const [words, rows] of [[heads[0], order.slice(0, few)], [heads[1], order.slice(few).slice(-few).reverse()]]) {
      const list = element('ul', '', { class: 'tiles', 'aria-label': words });
      for (const row of rows) {
        const item = element('li');
        item.append(tileButton(slide, row, said(values[row]), picked));
        list.append(item);
      }
      panel.append(element('h3', words), list);
    }
    markListed(panel, state.tile);
  }

  function markListed(panel, row) {
    for (const button of panel.querySelectorAll('button')) button.setAttribute('aria-current', String(Number(button.dataset.row) === row));
  }

  const modelsOfSeed = state => study.models
    .map((model, number) => [model, number])
    .filter(([model]) => model.seed === state.seed && model.fold === state.fold);

  async function showTile(parts, slide, state, choose) {
    const { table } = slide, row = state.tile, detail = await Review.detail(slide, row);
    parts.title.textContent = `Tile ${table.ids[row]}`;
    const read = table.failed.includes(row) ? ' It could not be read.' : '';
    parts.facts.textContent = `Label: ${table.labels[table.label[row]] || 'none'} · section ${table.section[row]} · tile ${row + 1} of ${table.ids.length}.${read}`;
    drawTissue(parts.tissue, slide, row, detail && detail.image);
    await drawMap(parts.map, slide, row, [state.model, state.explainer], state);
    for (const canvas of [parts.tissue, parts.map]) drawOutlines(canvas, slide, row, state.outlined);
    parts.tissue.setAttribute('aria-label', `Tissue of tile ${table.ids[row]}`);
    parts.map.setAttribute('aria-label', `${study.explainers[state.explainer].id} on tile ${table.ids[row]}`);
    const bare = await Review.whyNoMap(slide, row, state.model, state.explainer);
    parts.mapSaid.textContent = study.explainers[state.explainer].id;
    const reasons = new Set();
    parts.all.replaceChildren(await tileTable(slide, state, choose, reasons));
    parts.said.replaceChildren(...[...(bare ? [] : [tileWords(slide, state, detail)]), ...withoutRepeats(reasons)].map(words => element('span', words)));
  }

  /* One sentence for what is the same in many cells. */
  function withoutRepeats(reasons) {
    const sampled = [...reasons].filter(words => words.startsWith('not explained'));
    const others = [...reasons].filter(words => !words.startsWith('not explained'));
    return sampled.length ? ['Not explained: only a sample of the tiles was, and this one is not in it.', ...others] : others;
  }

  function tileWords(slide, state, detail) {
    const pair = [state.model, state.explainer].join(), explainer = study.explainers[state.explainer];
    if (study.by === 'slide') return 'A map has one value per tile, here over the whole tile.';
    if (detail && detail.maps.has(pair)) {
      return `Maps of ${detail.side} × ${detail.side} pixels, not smoothed. Here the colours of ${explainer.id} end at ±${said(explainer.tile_limit / state.gain)}.`;
    }
    const why = detail ? 'No finer map is stored for this seed. Its maps' : 'This tile is not stored in detail. Its maps';
    return `${why} are cut from the maps of the slide (pixels of ${slide.layers.um.toPrecision(2)} µm, smoothed) and use the scale of the slide.`;
  }

  function whyNoScore(state) {
    if (state.score === null) return 'no score: no score of this study ranks tiles';
    const { metric, name } = study.scores[state.score];
    return `no score: ${metric} ${name} was not measured on this tile (a metric may take a sample, and leaves out what it cannot judge)`;
  }

  async function tileTable(slide, state, choose, reasons) {
    const table = element('table'), head = element('tr'), body = element('tbody');
    head.append(element('td'));
    for (const explainer of study.explainers) {
      const cell = Review.broken('th', explainer.id, { scope: 'col' });
      if (explainer.control) cell.append(element('span', 'control'));
      head.append(cell);
    }
    for (const [model, number] of modelsOfSeed(state)) body.append(await tileRow(slide, state, model, number, choose, reasons));
    const top = element('thead');
    top.append(head);
    table.append(top, body);
    return table;
  }

  async function tileRow(slide, state, model, number, choose, reasons) {
    const line = element('tr'), head = Review.broken('th', model.arm, { scope: 'row' });
    const probability = slide.probability[number] ? slide.probability[number][state.tile] : NaN;
    head.append(element('span', study.by === 'slide' ? `slide ${said(slide.slide_scores[number])}` : `p(${study.target}) ${said(probability)}`));
    line.append(head);
    for (let explainer = 0; explainer < study.explainers.length; explainer++) {
      const cell = element('td'), button = element('button', '', { type: 'button' });
      const canvas = element('canvas', '', { width: 144, height: 144, 'aria-hidden': 'true' });
      const there = await drawMap(canvas, slide, state.tile, [number, explainer], state);
      const values = state.score === null ? null : await Review.tileScores(slide, number, explainer, state.score);
      const score = values ? values[state.tile] : NaN, why = there ? '' : await Review.whyNoMap(slide, state.tile, number, explainer);
      const words = there ? (Number.isNaN(score) ? 'no score' : said(score)) : why.startsWith('not explained') ? 'not explained' : 'no map';
      if (words === 'no score') reasons.add(whyNoScore(state));
      else if (why) reasons.add(`${words}: ${study.explainers[explainer].id}, ${model.arm}: ${why}`);
      button.append(canvas, words);
      button.setAttribute('aria-label', `${model.arm}, ${study.explainers[explainer].id}, ${words}`);
      button.setAttribute('aria-pressed', String(number === state.model && explainer === state.explainer));
      button.addEventListener('click', () => choose(number, explainer));
      cell.append(button);
      line.append(cell);
    }
    return line;
  }

  return { showLists, markListed, withArrows, showTile };
})());
